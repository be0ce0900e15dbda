"""Films are decoded once, kept whole or not at all, and found by their id."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.core.settings import settings
from pneumo_core.datasets import Dataset, open_store, scan
from pneumo_core.errors import DatasetError
from pneumo_core.imaging import to_input

SIZE = 16
TORN, NEXT = "train/NORMAL/IM-0001-0001.png", "train/NORMAL/IM-0001-0002.png"


@pytest.fixture
def folder(film_folder: Callable[..., Path]) -> Path:
    return film_folder({"train": 6, "test": 2})


@pytest.fixture
def dataset(folder: Path) -> Dataset:
    return scan(folder)


def stores() -> list[str]:
    place = settings().home / "stores"
    return sorted(each.name for each in place.iterdir()) if place.is_dir() else []


def test_a_row_is_what_a_model_sees_of_the_film(dataset: Dataset) -> None:
    store = open_store(dataset, SIZE)
    assert store.pixels.shape == (len(dataset), SIZE, SIZE)
    assert store.pixels.dtype == np.uint8
    for film_id, film in zip(store.ids, store.pixels, strict=True):
        assert np.array_equal(film, to_input(dataset.source.radiograph(film_id).pixels, SIZE))


def test_the_second_opening_decodes_nothing(dataset: Dataset, folder: Path) -> None:
    first = open_store(dataset, SIZE)
    shutil.rmtree(folder)
    second = open_store(dataset, SIZE)
    assert second.ids == first.ids
    assert np.array_equal(second.pixels, first.pixels)


def test_films_are_found_by_id_in_any_order(dataset: Dataset) -> None:
    store = open_store(dataset, SIZE)
    shuffled = dataset.with_films(dataset.films.sample(frac=1, random_state=0))
    again = open_store(shuffled, SIZE)
    ids = shuffled.films["id"].tolist()
    assert ids != list(store.ids)
    for film_id, row in zip(ids, again.rows(ids), strict=True):
        film = to_input(dataset.source.radiograph(film_id).pixels, SIZE)
        assert np.array_equal(again.pixels[row], film)


def test_a_film_that_is_not_there_has_no_row(dataset: Dataset) -> None:
    with pytest.raises(KeyError):
        open_store(dataset, SIZE).rows(["nowhere.png"])


def test_no_ids_have_no_rows(dataset: Dataset) -> None:
    rows = open_store(dataset, SIZE).rows([])
    assert (rows.shape, rows.dtype) == ((0,), np.int64)


def test_pixels_are_read_only(dataset: Dataset) -> None:
    with pytest.raises(ValueError, match="read-only"):
        open_store(dataset, SIZE).pixels[0, 0, 0] = 1


def test_another_size_or_other_films_have_their_own_store(dataset: Dataset, folder: Path) -> None:
    open_store(dataset, SIZE)
    assert open_store(dataset, 8).pixels.shape[1:] == (8, 8)
    assert len(stores()) == 2
    next((folder / "test/NORMAL").iterdir()).unlink()
    open_store(scan(folder), SIZE)
    assert len(stores()) == 3


def test_the_home_may_be_given(dataset: Dataset, tmp_path: Path) -> None:
    open_store(dataset, SIZE, home=tmp_path / "other")
    assert len(list((tmp_path / "other/stores").iterdir())) == 1
    assert stores() == []


# --- unreadable films ------------------------------------------------------------------------


def test_unreadable_films_are_left_out_and_named(folder: Path) -> None:
    torn = folder / TORN
    torn.write_bytes(torn.read_bytes()[:200])
    (folder / "test/PNEUMONIA/notes.png").write_text("not a film, though it lies among them")
    dataset = scan(folder)
    for store in (open_store(dataset, SIZE), open_store(dataset, SIZE)):
        assert set(store.unreadable) == {
            TORN,
            "test/PNEUMONIA/notes.png",
        }
        assert store.unreadable["test/PNEUMONIA/notes.png"].startswith("notes.png: ")
        assert len(store.ids) == len(store.pixels) == len(dataset) - 2
        (row,) = store.rows([NEXT])
        film = dataset.source.radiograph(NEXT)
        assert np.array_equal(store.pixels[row], to_input(film.pixels, SIZE))


def test_a_dataset_that_can_not_be_read_at_all_is_refused(folder: Path) -> None:
    for film in folder.rglob("*.png"):
        film.write_bytes(b"torn: " + film.name.encode())
    with pytest.raises(
        DatasetError, match=r"No X-ray of films can be read. The first: IM-0004-0001"
    ):
        open_store(scan(folder), SIZE)
    assert stores() == []


# --- progress ----------------------------------------------------------------------------------


def test_progress_reaches_the_total(film_folder: Callable[..., Path]) -> None:
    told: list[tuple[int, int]] = []
    dataset = scan(film_folder({"test": 40}, name="more"))
    open_store(dataset, SIZE, progress=lambda done, total: told.append((done, total)))
    assert told == [(64, 80), (80, 80)]


# --- several at once --------------------------------------------------------------------------


def test_threads_that_build_the_same_store_at_once_all_get_it(dataset: Dataset) -> None:
    with ThreadPoolExecutor(4) as pool:
        built = list(pool.map(lambda _: open_store(dataset, SIZE), range(4)))
    assert all(np.array_equal(store.pixels, built[0].pixels) for store in built)
    assert len(stores()) == 1


_OPEN = """
import sys, time
from pathlib import Path
from pneumo_core.datasets import open_store, scan
root, ready, go = map(Path, sys.argv[1:])
dataset = scan(root)
ready.touch()
while not go.exists():
    time.sleep(0.001)
print(len(open_store(dataset, 16).ids))
"""


def test_processes_that_build_the_same_store_at_once_all_get_it(
    dataset: Dataset, folder: Path, tmp_path: Path
) -> None:
    go, ready = tmp_path / "go", [tmp_path / f"ready{k}" for k in range(2)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _OPEN, folder, each, go], stdout=subprocess.PIPE, text=True
        )
        for each in ready
    ]
    while not all(each.exists() for each in ready):
        assert all(process.poll() is None for process in processes)
    go.touch()
    assert [int(process.communicate(timeout=60)[0]) for process in processes] == [16, 16]
    assert len(stores()) == 1


# --- the disk refuses -------------------------------------------------------------------------


def test_a_home_that_can_not_be_written_is_told(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PNEUMO_HOME", str(tmp_path / "file"))
    with pytest.raises(DatasetError, match=r"can't be saved in '.*': Not a directory. Free some"):
        open_store(dataset, SIZE)


_FULL = """
import resource, sys
from pathlib import Path
from pneumo_core.datasets import open_store, scan
from pneumo_core.errors import DatasetError
dataset = scan(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
try:
    open_store(dataset, 16)
except DatasetError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no RLIMIT_FSIZE")
def test_a_full_disk_is_told_and_leaves_nothing(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FULL, folder], capture_output=True, text=True, check=True
    )
    assert "can't be saved in" in done.stdout
    assert "File too large. Free some space or set PNEUMO_HOME" in done.stdout
    assert stores() == []


@pytest.mark.parametrize("file", ["pixels.u8", "index.arrow"])
def test_a_damaged_store_is_told(dataset: Dataset, file: str) -> None:
    open_store(dataset, SIZE)
    path = settings().home / "stores" / stores()[0] / file
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DatasetError, match=r"decoded X-rays in '.*' are damaged. Delete this"):
        open_store(dataset, SIZE)
