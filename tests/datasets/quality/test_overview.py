"""Counts, ratios, sizes and grey values, worked out by hand."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_core.datasets import open_store, scan
from pneumo_core.datasets.quality import Balance, balance_of, grey_values, image_sizes, split_table
from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging import image_size
from pneumo_core.training.loop import _class_weights
from pneumo_core.training.recipes import recipe
from pneumo_core.training.training_set import Films
from tests.imaging.images import dicom, encoded

Maker = Callable[..., Path]


def test_the_papers_ratio_and_what_balancing_makes_of_it() -> None:
    balance = Balance(1341, 3875)
    assert balance.ratio == pytest.approx(2.8896, abs=1e-4)
    assert balance.repeated == pytest.approx(1.4448, abs=1e-4)
    normal, pneumonia = balance.weights
    assert normal * 1341 == pytest.approx(pneumonia * 3875), "both classes weigh the same"
    assert balance.share == pytest.approx(0.7429, abs=1e-4)
    for figure in ("2.89 X-rays", "74 % of them", "1.94 for NORMAL, 0.67", "gives 1.44."):
        assert figure in balance.words
    assert "balanced" in Balance(10, 11).words


def test_the_weights_shown_are_those_that_training_uses() -> None:
    films = Films(None, np.arange(8), np.array([0, 0, 1, 1, 1, 1, 1, 1]))  # type: ignore[arg-type]
    used = _class_weights(recipe("strong", "cnn_94"), films)
    assert used.tolist() == pytest.approx(Balance(2, 6).weights)


def test_a_class_without_films_has_no_ratio() -> None:
    assert np.isnan(Balance(0, 4).ratio)
    assert "one label" in Balance(0, 4).words


def test_splits_are_counted_with_subtypes_and_patients(film_folder: Maker) -> None:
    dataset = scan(film_folder({"test": 6}))
    table = split_table(dataset)
    assert table["split"].tolist() == ["test", "all"]
    row = table.iloc[0]
    assert (row["films"], row["NORMAL"], row["PNEUMONIA"], row["ratio"]) == (12, 6, 6, 1.0)
    assert (row["patients"], row["bacteria"], row["virus"]) == (6, 4, 2)
    assert balance_of(dataset, "train") == Balance(0, 0)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WebP"])
def test_a_picture_tells_its_size_in_its_header(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "film"
    path.write_bytes(encoded(Image.new("L", (70, 90), 40), kind))
    assert image_size(path) == (70, 90)


def test_a_dicom_tells_its_size_in_its_header(tmp_path: Path) -> None:
    path = tmp_path / "film"
    path.write_bytes(dicom(np.zeros((90, 70), np.uint16)))
    assert image_size(path) == (70, 90)


@pytest.mark.parametrize("content", [b"", b"GIF89a....", b"\x89PNG\r\n\x1a\nnothing", b"hello"])
def test_what_is_no_film_tells_no_size(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film"
    path.write_bytes(content)
    with pytest.raises(UnreadableImage):
        image_size(path)
    with pytest.raises(UnreadableImage):
        image_size(tmp_path / "missing")


def test_sizes_are_summed_up(film_folder: Maker) -> None:
    folder = film_folder({"test": 2})
    sizes = image_sizes(scan(folder))
    assert sizes.words == "All 4 X-rays are 64 × 64 pixels."
    Image.new("L", (100, 40)).save(folder / "test" / "NORMAL" / "wide.png")
    sizes = image_sizes(scan(folder))
    assert sizes.distinct.to_numpy().tolist() == [[64, 64, 4], [100, 40, 1]]
    assert sizes.smaller_than(64) == ["test/NORMAL/wide.png"]
    assert "in 2 sizes: 64 to 100 pixels wide" in sizes.words


def test_an_archives_films_have_the_size_of_its_arrays(tmp_path: Path) -> None:
    path = tmp_path / "pneumoniamnist.npz"
    images, labels = np.zeros((3, 28, 28), np.uint8), np.array([[0], [1], [1]])
    np.savez(path, train_images=images, train_labels=labels)
    assert image_sizes(scan(path)).words == "All 3 X-rays are 28 × 28 pixels."


def test_grey_values_are_counted_by_label(tmp_path: Path) -> None:
    for label, grey in (("NORMAL", 10), ("PNEUMONIA", 200)):
        (tmp_path / "test" / label).mkdir(parents=True)
        Image.new("L", (64, 64), grey).save(tmp_path / "test" / label / "a.png")
    dataset = scan(tmp_path)
    greys = grey_values(dataset, open_store(dataset, 8))
    assert greys.shape == (2, 256)
    assert (greys[0, 10], greys[1, 200], greys.sum()) == (64, 64, 128)
