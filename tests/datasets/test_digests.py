"""Digests are those of the bytes, and an unchanged file is not read again."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pneumo_core.datasets import scan
from pneumo_core.datasets.digests import digest_of, digests, forget_digests

LONG_AGO = time.time_ns() - 10**12


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = [tmp_path / "films" / name for name in ("a", "b", "c")]
    paths[0].parent.mkdir()
    for path in paths:
        path.write_bytes(path.name.encode())
        os.utime(path, ns=(LONG_AGO, LONG_AGO))
    return [str(path) for path in paths]


def run(files: list[str]) -> tuple[list[str], int]:
    """Return the digests, and how many files were read for them."""
    counts = [0]
    found = digests(Path(files[0]).parent, files, lambda done, _: counts.append(done))
    return found, counts[-1]


EXPECTED = [digest_of(name) for name in (b"a", b"b", b"c")]


def test_the_second_time_nothing_is_read(files: list[str]):
    assert run(files) == (EXPECTED, 3)
    assert run(files) == (EXPECTED, 0)


def test_a_file_of_another_size_time_or_inode_is_read_again(files: list[str]):
    run(files)
    path = Path(files[1])
    os.utime(path, ns=(LONG_AGO, LONG_AGO + 1))
    assert run(files) == (EXPECTED, 1)
    path.write_bytes(b"longer")
    os.utime(path, ns=(LONG_AGO, LONG_AGO + 1))
    assert run(files)[1] == 1
    other = path.with_name("other")
    other.write_bytes(b"LONGER")
    os.utime(other, ns=(LONG_AGO, LONG_AGO + 1))
    other.replace(path)
    assert run(files) == ([EXPECTED[0], digest_of(b"LONGER"), EXPECTED[2]], 1)


def test_a_file_that_was_just_written_is_not_trusted(files: list[str]):
    """It could change once more without another time."""
    now = time.time_ns()
    os.utime(files[0], ns=(now, now))
    assert run(files)[1] == 3
    assert run(files)[1] == 1


def test_files_that_come_and_go(files: list[str]):
    run(files[:2])
    assert run(files) == (EXPECTED, 1)
    assert run(files[1:]) == (EXPECTED[1:], 0)


def test_a_damaged_cache_is_made_again(files: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("PNEUMO_CACHE", str(tmp_path / "cache"))
    run(files)
    (cache,) = (tmp_path / "cache" / "digests").iterdir()
    cache.write_bytes(b"PAR1")
    assert run(files) == (EXPECTED, 3)
    assert run(files) == (EXPECTED, 0)


def test_on_demand_every_file_is_read(film_folder: Callable[..., Path]):
    films = film_folder({"train": 4, "test": 3})
    for path in films.rglob("*.png"):
        os.utime(path, ns=(LONG_AGO, LONG_AGO))
    counts = list[int]()
    first = scan(films, progress=lambda done, _: counts.append(done))
    again = scan(films, progress=lambda done, _: counts.append(done))
    assert counts == [14]
    assert again.fingerprint == first.fingerprint
    forget_digests(films)
    assert (
        scan(films, progress=lambda done, _: counts.append(done)).fingerprint == first.fingerprint
    )
    assert counts == [14, 14]
