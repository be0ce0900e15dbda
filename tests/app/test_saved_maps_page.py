"""The page Embeddings with maps that the command line wrote."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumo_core.embeddings import maps_folder
from tests.app.test_pages import ROOT, open_app, told


@pytest.fixture(autouse=True)
def shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(ROOT / "checkpoints"))


def save(name: str, table: pd.DataFrame) -> Path:
    maps_folder().mkdir(parents=True, exist_ok=True)
    file = maps_folder() / name
    table.to_parquet(file)
    return file


def made_up(n: int) -> pd.DataFrame:
    random = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "id": [f"site/film-{row}.png" for row in range(n)],
            "x": random.normal(size=n),
            "y": random.normal(size=n),
            "label": np.arange(n) % 2,
        }
    )


def test_without_a_map_the_page_says_how_to_make_one() -> None:
    app = open_app("pages/embeddings.py", view="saved")
    assert not app.exception
    assert "pneumo embed features/ --out" in told(app)
    assert str(maps_folder()) in told(app)


def test_a_map_is_shown_and_found_in_by_name() -> None:
    save("archive.parquet", made_up(5000))
    app = open_app("pages/embeddings.py", view="saved")
    assert not app.exception
    assert app.selectbox(key="saved map").value == "archive.parquet"
    assert "5,000 X-rays of 5,000 in view" in told(app)
    app.text_input(key="map find").set_value("film-499").run()
    assert not app.exception
    assert "Selected: 11 of 5,000 X-rays" in told(app), "film-499 and film-4990 to film-4999"
    assert "NORMAL 5 of 2,500" in told(app)


def test_a_map_without_labels_offers_no_colour_by_them() -> None:
    save("archive.parquet", made_up(50).drop(columns="label").assign(site=["a", "b"] * 25))
    app = open_app("pages/embeddings.py", view="saved")
    assert not app.exception
    assert "site" in app.selectbox(key="map colour").options
    assert "label" not in app.selectbox(key="map colour").options


def test_what_is_no_map_is_a_sentence() -> None:
    save("other.parquet", pd.DataFrame({"a": [1]}))
    app = open_app("pages/embeddings.py", view="saved")
    assert not app.exception
    assert "'other.parquet' is not a map of two dimensions" in told(app)
