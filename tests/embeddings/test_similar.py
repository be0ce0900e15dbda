"""The training films most like another one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import NORMAL, PNEUMONIA, Dataset, scan
from pneumo_core.embeddings import Similar, TrainingImages, open_training_images
from pneumo_core.errors import DatasetError
from pneumo_core.imaging import to_input
from pneumo_core.inference import open_runtime

FILMS = TrainingImages(
    dataset=None,  # type: ignore[arg-type]  # not decoded here
    ids=("a", "b", "c", "d"),
    labels=np.array([0, 0, 1, 1]),
    features=np.array([[1, 100], [-1, 100], [0, 300], [0, -100]], np.float32),
)


def test_no_unit_outweighs_another_by_its_scale() -> None:
    """The second unit spreads a hundred times as far as the first; both count the same."""
    found = FILMS.most_similar(np.array([0.9, 100], np.float32), NORMAL)
    assert found is not None
    assert found.id == "a"


def test_only_films_of_the_label_are_looked_at() -> None:
    asked = np.array([1, 110], np.float32)  # standardised it lies at (√2, 1/√200), "c" at (0, √2)
    expected = Similar("c", PNEUMONIA, pytest.approx(0.05, abs=1e-3))
    assert FILMS.most_similar(asked, PNEUMONIA) == expected


def test_the_same_picture_is_passed_over() -> None:
    found = FILMS.most_similar(FILMS.features[2], PNEUMONIA)
    assert found is not None
    assert found.id == "d"


def test_a_label_without_films_has_no_neighbour() -> None:
    normals = TrainingImages(FILMS.dataset, FILMS.ids[:2], FILMS.labels[:2], FILMS.features[:2])
    assert normals.most_similar(FILMS.features[0], PNEUMONIA) is None


def test_the_training_films_are_seen_once(
    film_folder: Callable[..., Path], checkpoint: Checkpoint, tmp_path: Path
) -> None:
    dataset = scan(film_folder({"train": 6, "test": 3}))
    runtime = open_runtime(checkpoint)
    told: list[tuple[int, int]] = []

    def opened() -> TrainingImages:
        return open_training_images(
            checkpoint,
            runtime,
            dataset,
            home=tmp_path / "home",
            progress=lambda done, total: told.append((done, total)),
        )

    first = opened()
    assert told
    told.clear()
    again = opened()
    assert not told, "kept on disk"
    assert again.ids == first.ids
    assert np.allclose(again.features, first.features, rtol=1e-3, atol=1e-4)
    _is_its_own_neighbour(first, dataset, runtime.size)
    for file in (tmp_path / "home" / "features").iterdir():
        file.write_bytes(b"damaged")
    assert np.array_equal(opened().features, first.features), "computed again"


def _is_its_own_neighbour(films: TrainingImages, dataset: Dataset, size: int) -> None:
    """No test film is among the training films, and rows belong to their ids."""
    splits = dataset.films.set_index("id")["split"]
    assert set(splits[list(films.ids)]) == {"train"}
    labels = dataset.films.set_index("id")["label"]
    assert labels[list(films.ids)].tolist() == films.labels.tolist()
    assert to_input(films.dataset.source.radiograph(films.ids[0]).pixels, size).shape == (size,) * 2


def test_a_dataset_without_training_films_says_so(
    film_folder: Callable[..., Path], checkpoint: Checkpoint
) -> None:
    dataset = scan(film_folder({"test": 3}))
    with pytest.raises(DatasetError, match="no X-rays in split 'train'"):
        open_training_images(checkpoint, open_runtime(checkpoint), dataset)
