"""Films taken away are a dataset: the same files under the same ids."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.datasets import folder_of, scan
from pneumo_core.errors import DatasetError


def unpacked(content: bytes, place: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(place)
    return place


def test_the_folder_is_a_dataset_of_these_films(
    film_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = film_folder({"train": 3, "test": 3})
    films = scan(folder).films.query("split == 'test'").iloc[1:5]
    place = unpacked(folder_of(folder, films), tmp_path / "taken")
    found = scan(place).films
    assert sorted(found["id"]) == sorted(films["id"])
    assert found.set_index("id")["label"].to_dict() == films.set_index("id")["label"].to_dict()
    for film_id in films["id"]:
        assert (place / film_id).read_bytes() == (folder / film_id).read_bytes()


def test_films_of_an_archive_become_files(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    arrays = {}
    for split in ("train", "val", "test"):
        arrays[f"{split}_images"] = random.integers(0, 256, (6, 28, 28), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.array([[0], [1]] * 3)
    np.savez(tmp_path / "set.npz", **arrays)
    films = scan(tmp_path / "set.npz").films.query("split == 'test'")
    found = scan(unpacked(folder_of(tmp_path / "set.npz", films), tmp_path / "taken")).films
    assert sorted(found["label"]) == sorted(films["label"])


def test_a_film_that_is_gone_is_a_sentence(film_folder: Callable[..., Path]) -> None:
    folder = film_folder({"test": 2})
    films = scan(folder).films
    (folder / films["id"].iloc[0]).unlink()
    with pytest.raises(DatasetError, match="is not in .* any more"):
        folder_of(folder, films)
