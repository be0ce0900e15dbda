"""The data page as Streamlit runs it: a dataset in numbers, its findings, films and draws."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import scan
from pneumo_core.datasets.quality import inspect_dataset
from pneumo_core.evaluation.shortcuts import audit, installed_finder, measure_dataset, summary
from tests.app.test_pages import open_app, press, told

Maker = Callable[..., Path]


@pytest.fixture
def folder(film_folder: Maker, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small dataset, as PNEUMO_DATA names it."""
    made = film_folder({"train": 6, "test": 3}, side=80)
    monkeypatch.setenv("PNEUMO_DATA", str(made))
    return made


def data_page(**query: str) -> AppTest:
    app = open_app("pages/data.py", **query)
    assert not app.exception
    return app


def test_without_a_dataset_the_page_says_what_to_do(checkpoint: Checkpoint) -> None:
    words = told(data_page())
    assert "No dataset yet" in words
    assert "PNEUMO_DATA" in words
    assert "cnn_94 was trained on films: train 3 NORMAL and 5 PNEUMONIA" in words.replace("**", "")


def test_a_dataset_that_is_gone_is_a_sentence(
    checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_DATA", str(tmp_path / "gone"))
    assert "does not exist" in data_page().error[0].value


def test_the_page_tells_what_the_library_tells(folder: Path) -> None:
    shutil.copy(folder / "train/NORMAL/IM-0001-0001.png", folder / "test/PNEUMONIA/twin.png")
    (folder / "test/NORMAL/broken.png").write_bytes(b"no X-ray")
    app = data_page()
    words = told(app).replace("*", "")
    inspection = inspect_dataset(scan(folder))
    for finding in inspection.findings:
        for sentence in (finding.title, finding.what, finding.means, finding.remedy):
            assert sentence in words
    assert {"The same image in two splits", "X-rays that can't be read"} < {
        each.title for each in inspection.findings
    }
    shown = {each.label: each.value for each in app.metric}
    assert shown["X-rays"] == str(len(inspection.dataset))
    assert shown["Unreadable"] == "1"
    assert len(app.get("plotly_chart")) == 2, "splits and grey values; one size needs no plot"


def test_a_findings_films_are_listed_and_shown(folder: Path) -> None:
    shutil.copy(folder / "train/NORMAL/IM-0001-0001.png", folder / "test/PNEUMONIA/twin.png")
    app = data_page()
    next(each for each in app.toggle if each.label == "Show the 2 X-rays").set_value(True).run()
    assert not app.exception
    listed = next(each.value for each in app.dataframe if "group" in each.value)
    assert set(listed["id"]) == {"test/PNEUMONIA/twin.png", "train/NORMAL/IM-0001-0001.png"}
    assert len(app.get("download_button")) == 1
    assert len(app.image) == 2


def test_looking_again_finds_what_changed(folder: Path) -> None:
    """A file that comes is noticed at once, one that was written anew on demand."""
    black = Image.fromarray(np.zeros((80, 80), np.uint8))
    app = data_page()
    black.save(next(folder.glob("test/NORMAL/*.png")))
    assert "a single grey value" not in told(app.run())
    assert "1 X-ray has a single grey value" in told(press(app, "Rescan"))
    black.save(folder / "test/NORMAL/black.png")
    assert "2 X-rays have a single grey value" in told(app.run())


def test_random_films_are_filtered_and_drawn_again(folder: Path) -> None:
    app = data_page(view="films")
    assert "18 of 18 X-rays" in told(app)
    app.selectbox(key="grid split").set_value("test").run()
    app.selectbox(key="grid label").set_value("PNEUMONIA").run()
    assert "3 of 3 X-rays" in told(app)
    assert len(app.image) == 3
    bodies = [each.proto.body for each in app.get("html")]
    lines = [each for each in bodies if 'class="film-line"' in each]
    assert len(lines) == 3, "one for each X-ray"
    assert all("PNEUMONIA" in each and "test" in each for each in lines)
    press(app, "Draw again")
    assert not app.exception
    assert len(app.image) == 3


def test_an_unreadable_film_in_the_grid_is_a_sentence(folder: Path) -> None:
    (folder / "test/NORMAL/broken.png").write_bytes(b"no X-ray")
    app = data_page(view="films")
    app.selectbox(key="grid split").set_value("test").run()
    assert "broken.png: this is text" in told(app)
    assert len(app.image) == 6


def test_sixteen_draws_follow_the_recipe(folder: Path) -> None:
    app = data_page(view="augmentation")
    assert len(app.image) == 17
    assert "100 × 100 pixels" in told(app)
    assert "**rotation** 15: degrees to either side" in told(app)
    app.selectbox(key="preview recipe").set_value("paper").run()
    assert "**rotation** 75: degrees to either side" in told(app)
    app.text_input(key="preview film").set_value("PERSON4_").run()
    assert "test/PNEUMONIA/person4_" in told(app)
    app.text_input(key="preview film").set_value("nobody").run()
    assert "No readable X-ray matches nobody" in told(app)
    assert not app.exception


@pytest.mark.usefixtures("few_trees")
def test_the_shortcut_audit_is_made_when_asked_and_says_what_the_library_says(
    film_folder: Maker, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = film_folder({"train": 24, "test": 6}, side=80)
    for path in folder.glob("*/PNEUMONIA/*.png"):
        Image.open(path).resize((120, 80)).save(path)
    monkeypatch.setenv("PNEUMO_DATA", str(folder))
    app = data_page(view="shortcuts")
    assert "Not measured yet" in told(app)
    press(app, "Run the shortcut audit")
    assert not app.exception
    dataset = scan(folder)
    for sentence in summary(audit(dataset, measure_dataset(dataset, finder=installed_finder()))):
        assert sentence in told(app)
    (table,) = (each.value for each in app.dataframe if "Property" in each.value)
    first = table.iloc[0]
    assert (first["Property"], first["Higher in"], first["Predictive"]) == (
        "Width / height",
        "PNEUMONIA",
        "strong",
    )
    assert len(app.get("plotly_chart")) == 1
    assert "vary proportions during training" in told(app)
    (same,) = [line for line in told(app).splitlines() if "the value tells nothing:" in line]
    assert "JPEG quality" in same, "every X-ray is a PNG"

    app.multiselect(key="audited input sizes").set_value([96]).run()
    press(app, "Audit these inputs")
    assert not app.exception
    (table,) = (each.value for each in app.dataframe if "Property" in each.value)
    assert "Finest detail of the input, 96 pixels" in set(table["Property"])
