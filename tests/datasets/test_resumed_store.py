"""A store that was begun goes on: after a kill, a cancel, beside another process."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from pneumo_core.core.settings import settings
from pneumo_core.datasets import Dataset, ImageSource, PixelStore, open_store, scan, store_build
from pneumo_core.datasets.store_build import forget_stores
from pneumo_core.errors import DatasetError
from pneumo_core.imaging import Radiograph, to_input

SIZE, FILMS, AT_ONCE, BLOCK = 16, 20, 4, 8
TORN = ("train/NORMAL/IM-0002-0001.png", "train/PNEUMONIA/person4_virus_8.png")

_BUILD = f"""
import sys, time
from pathlib import Path
from pneumo_core.datasets import open_store, scan, store_build
store_build._AT_ONCE, store_build._BLOCK = {AT_ONCE}, {BLOCK}
def watch(done, total):
    print(done, flush=True)
    while done == int(sys.argv[2]):
        time.sleep(1)
print("store", len(open_store(scan(Path(sys.argv[1])), {SIZE}, progress=watch).ids))
"""
"""Decode and print what is done; stop when as many are done as the second argument says."""


@dataclass
class Counting:
    """A source that notes what is decoded."""

    source: ImageSource
    decoded: list[str] = field(default_factory=list)

    def radiograph(self, film_id: str) -> Radiograph:
        self.decoded.append(film_id)
        return self.source.radiograph(film_id)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_build, "_AT_ONCE", AT_ONCE)
    monkeypatch.setattr(store_build, "_BLOCK", BLOCK)
    monkeypatch.setattr(store_build, "_LOOK_S", 0.01)


@pytest.fixture
def folder(film_folder: Callable[..., Path]) -> Path:
    return film_folder({"train": FILMS // 2})


@pytest.fixture
def dataset(folder: Path) -> Dataset:
    return scan(folder)


def stores() -> list[str]:
    return sorted(each.name for each in (settings().home / "stores").iterdir())


@contextmanager
def begun(folder: Path, until: int) -> Iterator[subprocess.Popen[str]]:
    """A process that builds the store and waits once so many X-rays are decoded."""
    command = [sys.executable, "-c", _BUILD, str(folder), str(until)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert str(until) in map(str.strip, process.stdout)
            yield process
        finally:
            process.kill()


def cancelled_at(dataset: Dataset, count: int) -> None:
    def cancel(done: int, _total: int) -> None:
        if done == count:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_store(dataset, SIZE, progress=cancel)


def expect_unbroken(store: PixelStore, dataset: Dataset) -> None:
    """The bytes are those of one X-ray after the other, in the table's order."""
    ids = [each for each in dataset.films["id"] if each not in store.unreadable]
    films = [to_input(dataset.source.radiograph(each).pixels, SIZE) for each in ids]
    assert store.ids == tuple(ids)
    assert (store.folder / "pixels.u8").read_bytes() == np.stack(films).tobytes()
    assert sorted(each.name for each in store.folder.iterdir()) == ["index.arrow", "pixels.u8"]
    assert stores() == [store.folder.name]


@pytest.mark.posix
@pytest.mark.parametrize("until", [12, 20])
def test_after_a_kill_only_the_rest_is_decoded(folder: Path, until: int) -> None:
    for name in TORN:
        (folder / name).write_bytes(b"torn: " + name.encode())
    dataset = scan(folder)
    with begun(folder, until) as process:
        process.send_signal(signal.SIGKILL)
    source, told = Counting(dataset.source), list[int]()
    store = open_store(
        replace(dataset, source=source), SIZE, progress=lambda done, _: told.append(done)
    )
    noted = until if until == FILMS else until // BLOCK * BLOCK
    assert sorted(source.decoded) == dataset.films["id"].tolist()[noted:]
    assert told == [*range(noted + AT_ONCE, FILMS + 1, AT_ONCE)]
    assert set(store.unreadable) == set(TORN)
    expect_unbroken(store, dataset)


def test_a_cancel_keeps_finished_blocks_only(dataset: Dataset) -> None:
    cancelled_at(dataset, AT_ONCE)
    assert stores() == []
    cancelled_at(dataset, BLOCK + AT_ONCE)
    source = Counting(dataset.source)
    store = open_store(replace(dataset, source=source), SIZE)
    assert sorted(source.decoded) == dataset.films["id"].tolist()[BLOCK:]
    expect_unbroken(store, dataset)


def test_the_order_is_that_of_the_process_that_began(dataset: Dataset) -> None:
    cancelled_at(dataset, BLOCK)
    shuffled = dataset.with_films(dataset.films.sample(frac=1, random_state=0))
    assert shuffled.fingerprint == dataset.fingerprint
    expect_unbroken(open_store(shuffled, SIZE), dataset)


@pytest.mark.parametrize(
    ("file", "keep", "again"),
    [
        ("blocks.jsonl", -1, BLOCK),  # without its line's end, the second block is not noted
        ("blocks.jsonl", 0, 0),
        ("pixels.u8", 2 * BLOCK * SIZE**2 - 1, BLOCK),
        ("order.arrow", 50, 0),
    ],
)
def test_what_is_not_whole_is_decoded_again(
    dataset: Dataset, file: str, keep: int, again: int
) -> None:
    cancelled_at(dataset, 2 * BLOCK)
    (part,) = (each for each in stores() if each.startswith(".building-"))
    path = settings().home / "stores" / part / file
    path.write_bytes(path.read_bytes()[:keep])
    source = Counting(dataset.source)
    store = open_store(replace(dataset, source=source), SIZE)
    assert sorted(source.decoded) == dataset.films["id"].tolist()[again:]
    expect_unbroken(store, dataset)


@pytest.mark.posix
def test_a_second_builder_waits_and_goes_on_when_the_first_is_killed(
    dataset: Dataset, folder: Path
) -> None:
    told = list[int]()

    def watch(done: int, _total: int) -> None:
        told.append(done)
        if len(told) == 3:
            first.kill()

    source = Counting(dataset.source)
    with begun(folder, BLOCK + AT_ONCE) as first:
        store = open_store(replace(dataset, source=source), SIZE, progress=watch)
    assert told[:3] == [BLOCK] * 3, "what the other has done, while waiting"
    assert sorted(source.decoded) == dataset.films["id"].tolist()[BLOCK:]
    expect_unbroken(store, dataset)


@pytest.mark.posix
def test_a_cancel_ends_the_wait_for_another_process(dataset: Dataset, folder: Path) -> None:
    with begun(folder, BLOCK) as first:
        cancelled_at(dataset, BLOCK)
        assert first.poll() is None
    expect_unbroken(open_store(dataset, SIZE), dataset)


_FULL = f"""
import resource, sys
from pathlib import Path
from pneumo_core.datasets import open_store, scan, store_build
from pneumo_core.errors import DatasetError
store_build._AT_ONCE, store_build._BLOCK = {AT_ONCE}, {BLOCK}
dataset = scan(Path(sys.argv[1]))
limit = {(BLOCK + AT_ONCE) * SIZE**2}
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    open_store(dataset, {SIZE})
except DatasetError as error:
    print(error)
"""


@pytest.mark.posix
def test_a_disk_that_fills_up_keeps_finished_blocks(dataset: Dataset, folder: Path) -> None:
    run = [sys.executable, "-c", _FULL, str(folder)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert "can't be saved in" in done.stdout
    assert "File too large. Free some space or set PNEUMO_HOME" in done.stdout
    source = Counting(dataset.source)
    expect_unbroken(open_store(replace(dataset, source=source), SIZE), dataset)
    assert len(source.decoded) == FILMS - BLOCK


def test_a_build_is_forgotten_after_a_week(dataset: Dataset) -> None:
    place = settings().home / "stores"
    for name, days in (("old", 8), ("held", 8), ("young", 6)):
        part = place / f".building-{name}"
        part.mkdir(parents=True)
        (part / "pixels.u8").touch()
        long_ago = time.time() - days * 24 * 3600
        for each in (part / "pixels.u8", part):
            os.utime(each, (long_ago, long_ago))
    with FileLock(place / ".held.lock"):
        store = open_store(dataset, SIZE)
        assert stores() == [
            ".building-held",
            ".building-young",
            ".held.lock",
            store.folder.name,
        ]


def test_a_deleted_dataset_leaves_no_begun_store(dataset: Dataset) -> None:
    open_store(dataset, 8)
    cancelled_at(dataset, BLOCK)
    assert len(stores()) == 2
    forget_stores(dataset.fingerprint)
    assert stores() == []


def test_an_earlier_store_is_read(dataset: Dataset) -> None:
    store = open_store(dataset, SIZE)
    index = {"size": SIZE, "ids": store.ids, "unreadable": {"torn.png": "torn.png: it is torn."}}
    (store.folder / "index.json").write_text(json.dumps(index))
    (store.folder / "index.arrow").unlink()
    source = Counting(dataset.source)
    again = open_store(replace(dataset, source=source), SIZE)
    assert source.decoded == []
    assert (again.ids, again.unreadable) == (store.ids, index["unreadable"])
    assert np.array_equal(again.pixels, store.pixels)
    (store.folder / "index.json").write_text("{}")
    with pytest.raises(DatasetError, match="damaged"):
        open_store(dataset, SIZE)
