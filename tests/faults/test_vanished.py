"""What is deleted between being listed and being read is told by a sentence."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import streamlit as st

from pneumo_core.checkpoints import Checkpoint, delete_checkpoint, list_checkpoints, load_checkpoint
from pneumo_core.datasets import Dataset, scan
from pneumo_core.datasets.download import find_dataset
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import dataset_scores
from pneumo_core.imaging import read_radiograph
from pneumo_core.reading import open_reader
from tests.app.test_pages import PAGES, open_app
from tests.cli.conftest import Finished, pneumo
from tests.conftest import draw_folder
from tests.faults.test_versions_of_checkpoints import PLACE

__all__ = ["pneumo"]

pytestmark = pytest.mark.usefixtures("components_scanned_once")


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    shutil.copytree(PLACE / "v1", tmp_path / "ck" / "small")
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(tmp_path / "ck"))
    return load_checkpoint("small")


@pytest.fixture
def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    folder = draw_folder(tmp_path / "films", {"train": 12, "test": 4})
    monkeypatch.setenv("PNEUMO_DATA", str(folder))
    return scan(folder)


def test_a_film_gone_after_the_scan_is_named_and_the_others_are_scored(
    listed: Checkpoint, films: Dataset, tmp_path: Path
) -> None:
    gone = films.films["id"][0]
    (tmp_path / "films" / gone).unlink()
    scores = dataset_scores(listed, films)
    assert len(scores.table) == len(films) - 1
    assert "does not exist" in scores.unreadable[gone]


def test_a_film_gone_between_folder_and_reading(
    listed: Checkpoint,
    films: Dataset,
    pneumo: Callable[..., Finished],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    from pneumo_core.cli import _reading

    expanded = _reading._expanded

    def and_then_gone(files: list[Path]) -> list[Path]:
        found = list(expanded(files))
        found[1].unlink()
        return found

    monkeypatch.setattr(_reading, "_expanded", and_then_gone)
    done = pneumo("predict", tmp_path / "films" / "test", "--no-gate")
    lines = done.out.splitlines()
    assert done.code == 1
    assert len(lines) == 8
    assert "the file does not exist" in lines[1]
    assert sum("Probability" in line for line in lines) == 7
    assert "Traceback" not in done.err


def test_a_checkpoint_gone_after_it_was_listed(listed: Checkpoint) -> None:
    delete_checkpoint(listed)
    for use in (listed.networks, lambda: listed.scores, lambda: listed.features):
        with pytest.raises(PneumoError, match="'small' can't be used: its .* can't be read"):
            use()
    with pytest.raises(PneumoError, match="no model in"):
        open_reader()
    assert list_checkpoints() == ([], [])


def test_a_checkpoint_deleted_while_a_reader_has_it_open_still_reads(
    listed: Checkpoint, tmp_path: Path
) -> None:
    film = next(draw_folder(tmp_path / "films", {"test": 1}).rglob("*.png"))
    before = open_reader("small", gate=False).read_file(film).probability
    reader = open_reader("small", gate=False)  # its graph is kept, its network not built
    delete_checkpoint(listed)
    assert reader.read_file(film).probability == before
    assert reader.heat_map(read_radiograph(film), 1).parts


@pytest.mark.parametrize("page", PAGES)
def test_pages_whose_films_are_gone(
    page: str | None, listed: Checkpoint, films: Dataset, tmp_path: Path
) -> None:
    app = open_app(page)
    shutil.rmtree(tmp_path / "films" / "test")
    app.run()
    assert not app.exception
    shutil.rmtree(tmp_path / "films")
    shutil.rmtree(tmp_path / "ck")
    app.run()
    assert not app.exception
    st.cache_resource.clear()
    st.cache_data.clear()


def test_a_dataset_gone_after_it_was_chosen(tmp_path: Path) -> None:
    with pytest.raises(PneumoError, match="no dataset named 'gone'"):
        find_dataset("gone")
