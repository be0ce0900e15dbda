"""A selection of films is exported from the dataset in use, whatever PNEUMO_DATA says."""

import io
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from pneumo_core.app.embeddings import selected_images as selected_films
from pneumo_core.datasets import scan

Maker = Callable[..., Path]


class Streamlit:
    """What the export draws with: buttons, by their labels."""

    def __init__(self) -> None:
        self.offered: dict[str, Any] = {}

    def container(self, **_: object) -> nullcontext[None]:
        return nullcontext()

    def download_button(self, label: str, data: Callable[[], bytes], *_: object, **__: Any) -> None:
        self.offered[label] = data

    def button(self, label: str, **_: object) -> None:
        self.offered[label] = None


def offered(films: Path, in_use: Path | None, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The buttons under a selection of these films while another dataset may be in use."""
    drawn, rows = Streamlit(), scan(films).films
    monkeypatch.setattr(selected_films, "st", drawn)
    monkeypatch.setattr(selected_films, "dataset_in_use", lambda: in_use)
    selected_films._offer_downloads(rows, lambda: rows, len(rows))
    return drawn.offered


def test_it_holds_the_films_of_the_dataset_in_use(
    film_folder: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    films, other = film_folder({"test": 2}, name="a"), film_folder({"test": 2}, name="b")
    for film in other.rglob("*.png"):
        film.write_bytes(b"another X-ray of the same name")
    monkeypatch.setenv("PNEUMO_DATA", str(other))
    make = offered(films, films, monkeypatch)["Selection, X-rays"]
    with zipfile.ZipFile(io.BytesIO(make())) as archive:
        for name in archive.namelist():
            assert archive.read(name) == (films / name).read_bytes()
        assert len(archive.namelist()) == 4


def test_films_of_another_dataset_than_that_in_use_are_not_offered(
    film_folder: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    films = film_folder({"test": 2}, name="a")
    other = film_folder({"train": 2}, name="b")
    assert "Selection, X-rays" not in offered(films, other, monkeypatch)
    assert "Selection, X-rays" not in offered(films, None, monkeypatch)
