"""A dataset format from outside the package is scanned, read and looked up as the built-in ones."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

import pneumo_core as pn
from pneumo_core.core.progress import Progress
from pneumo_core.datasets import Dataset, find_image, register_format, scan
from pneumo_core.datasets.formats import registry
from pneumo_core.imaging import Radiograph, read_radiograph


@dataclass(frozen=True)
class _Named:
    """X-rays beside a file ``flat.index``, whose names begin with their label."""

    index: Path

    def radiograph(self, film_id: str) -> Radiograph:
        return read_radiograph(self.index.parent / film_id)


class _Flat:
    def recognises(self, location: Path) -> bool:
        return location.name == "flat.index"

    def scan(self, location: Path, _progress: Progress | None) -> Dataset:
        files = sorted(location.parent.glob("*.png"))
        films = pd.DataFrame(
            {
                "id": [file.name for file in files],
                "path": [str(file) for file in files],
                "split": "train",
                "label": [int(file.name.startswith("ill")) for file in files],
                "subtype": "",
                "patient": [file.stem for file in files],
                "digest": [hashlib.sha256(file.read_bytes()).hexdigest() for file in files],
            }
        )
        return Dataset("flat", films, _Named(location))

    def find(self, location: Path, film_id: str) -> Path | None:
        file = location.parent / film_id
        return file if file.is_file() else None


@pytest.fixture
def flat(tmp_path: Path, film_folder: Callable[..., Path]) -> Iterator[Path]:
    for number, film in enumerate(sorted(film_folder({"train": 10}).rglob("*.png"))):
        label = "ill" if film.parent.name == "PNEUMONIA" else "well"
        film.rename(tmp_path / f"{label}-{number}.png")
    index = tmp_path / "flat.index"
    index.touch()
    register_format(_Flat())
    yield index
    registry._registered.pop(0)


def test_a_registered_format_is_a_dataset_everywhere(flat: Path) -> None:
    dataset = scan(flat)
    assert sorted(dataset.films["label"].value_counts()) == [10, 10]
    film_id = str(dataset.films["id"].iloc[0])
    assert dataset.source.radiograph(film_id).pixels.ndim == 2
    assert find_image(flat, film_id) == flat.parent / film_id
    assert find_image(flat, "another") is None
    trained = pn.train(flat, "mine", pn.TrainingConfig(epochs=1, batch_size=4))
    assert len(trained.scores) > 0
