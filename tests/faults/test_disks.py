"""A disk that is full, a folder that is read-only: a sentence, and what was published is whole."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import streamlit as st

from pneumo_core.checkpoints import (
    add_gate,
    delete_checkpoint,
    list_checkpoints,
    load_checkpoint,
    rename_checkpoint,
)
from pneumo_core.datasets import open_store, scan
from pneumo_core.datasets.download import delete_dataset, find_dataset, list_datasets, stage
from pneumo_core.embeddings import features_of
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import dataset_scores
from pneumo_core.reading import samples
from pneumo_core.runs import start_run
from pneumo_core.training import training_config
from tests.app.test_pages import PAGES, open_app, told, verdict
from tests.cli.conftest import Finished, pneumo
from tests.conftest import draw_folder
from tests.datasets.download.archives import zip_folder
from tests.faults.disks import full, read_only, small_disk
from tests.faults.operations import write_again
from tests.faults.test_versions_of_checkpoints import PLACE

__all__ = ["pneumo"]

pytestmark = pytest.mark.usefixtures("components_scanned_once")

Fault = Callable[[Path], AbstractContextManager[None]]
FAULTS = {
    "full": (full, "No space left|there are 0 MB free"),
    "read-only": (read_only, "Read-only file system"),
}
FILMS = {"train": 12, "test": 4}
PIXELS = np.zeros((400, 400), np.float32)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A small disk that holds everything: two checkpoints, a dataset, a ZIP beside it."""
    with small_disk(tmp_path / "disk", 60) as place:
        shutil.copytree(PLACE / "v1", place / "checkpoints" / "small")
        write_again(place, "mine", 0.25)
        draw_folder(place / "home" / "datasets" / "old", FILMS)
        zip_folder(draw_folder(tmp_path / "films", FILMS), tmp_path / "films.zip")
        monkeypatch.setenv("PNEUMO_HOME", str(place / "home"))
        monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(place / "checkpoints"))
        monkeypatch.setenv("PNEUMO_CACHE", str(place / "home" / "cache"))
        yield place
        st.cache_resource.clear()
        st.cache_data.clear()


def old() -> Path:
    return find_dataset("old").location


def contents(disk: Path) -> dict[str, bytes]:
    """Everything that people see on it."""
    files = [path for path in disk.rglob("*") if path.is_file()]
    shown = [path for path in files if "/." not in str(path.relative_to(disk.parent))]
    return {str(path): path.read_bytes() for path in shown}


WRITES: dict[str, Callable[[Path], object]] = {
    "publish a checkpoint": lambda disk: write_again(disk, "new", 0.5),
    "replace a checkpoint": lambda disk: write_again(disk, "mine", 0.5, overwrite=True),
    "fit a gate": lambda _: add_gate(load_checkpoint("mine"), {"a": PIXELS}),
    "add a dataset": lambda disk: stage(disk.parent / "films.zip", "new").keep(),
    "decode films": lambda _: open_store(scan(old()), 32),
    "score a dataset": lambda _: dataset_scores(load_checkpoint("mine"), scan(old())),
    "take features": lambda _: features_of(load_checkpoint("mine"), scan(old())),
    "start a run": lambda _: start_run(old(), "run", training_config(model="cnn_v2", epochs=1)),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("write", WRITES)
def test_what_can_not_be_written_is_a_sentence_and_nothing_is_lost(
    write: str, fault: str, disk: Path
) -> None:
    place, words = FAULTS[fault]
    before = contents(disk)
    with place(disk):
        with pytest.raises(PneumoError, match=words) as refused:
            WRITES[write](disk)
        assert "\n" not in str(refused.value)
        assert {name for name in contents(disk) if ".filler" not in name} == set(before)
        assert {each.name for each in list_checkpoints()[0]} == {"small", "mine"}
        assert [each.name for each in list_datasets()] == ["old"]
    assert contents(disk) == before
    WRITES[write](disk)  # with room again it succeeds


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda: rename_checkpoint(load_checkpoint("mine"), "other"), "can't be renamed"),
        (lambda: delete_checkpoint(load_checkpoint("mine")), "can't be deleted"),
        (lambda: delete_dataset("old"), "can't be deleted"),
    ],
    ids=["rename", "delete a checkpoint", "delete a dataset"],
)
def test_nothing_is_renamed_or_deleted_in_a_folder_to_look_at(
    change: Callable[[], object], words: str, disk: Path
) -> None:
    before = contents(disk)
    with read_only(disk), pytest.raises(PneumoError, match=f"{words}: Read-only file system"):
        change()
    assert contents(disk) == before


def test_a_checkpoint_renamed_on_a_full_disk_stays_one(disk: Path) -> None:
    with full(disk), contextlib.suppress(PneumoError):
        rename_checkpoint(load_checkpoint("mine"), "other")
    found, problems = list_checkpoints()
    assert not problems
    assert len(found) == 2
    assert all(each.networks() for each in found)


@pytest.mark.parametrize("fault", FAULTS)
def test_films_are_read_all_the_same(
    fault: str, disk: Path, pneumo: Callable[..., Finished]
) -> None:
    place, _ = FAULTS[fault]
    before = pneumo("predict", samples()[0].path, "--model", "small", "--no-gate").out
    shutil.rmtree(disk / "home" / "cache", ignore_errors=True)
    with place(disk):
        after = pneumo("predict", samples()[0].path, "--model", "small", "--no-gate")
    assert after.out == before
    assert "Traceback" not in after.err


@pytest.mark.parametrize("fault", ["full", pytest.param("read-only", marks=pytest.mark.thorough)])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_opens_all_the_same(page: str | None, fault: str, disk: Path) -> None:
    place, _ = FAULTS[fault]
    with place(disk):
        app = open_app(page)
        assert not app.exception
        assert "Traceback" not in told(app)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_reading_room_reads_all_the_same(fault: str, disk: Path) -> None:
    place, _ = FAULTS[fault]
    with place(disk):
        app = open_app("pages/read.py", sample="chest", checkpoint="small")
        assert not app.exception
        assert verdict(app)
