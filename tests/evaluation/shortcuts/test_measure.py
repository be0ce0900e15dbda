"""Properties of pixels, files and lungs, worked out by hand on pictures made for it."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from pneumo_core.datasets import scan
from pneumo_core.errors import DatasetError
from pneumo_core.evaluation.shortcuts import (
    LUNG_PROPERTIES,
    PROPERTIES,
    NamedLungFinder,
    measure,
    measure_dataset,
    measured_before,
)
from pneumo_core.evaluation.shortcuts.file_properties import jpeg_quality
from pneumo_core.evaluation.shortcuts.pixels import SIDE, pixel_properties
from pneumo_core.imaging import FileFacts, Radiograph, read_radiograph

Maker = Callable[..., Path]


@dataclass(frozen=True)
class Box:
    top: float
    bottom: float
    left: float
    right: float


@dataclass(frozen=True)
class Lungs:
    found: bool
    box: Box | None


def finder(lungs: Lungs, name: str = "fake") -> NamedLungFinder:
    return NamedLungFinder(name, lambda _: lungs)


def radiograph(pixels: np.ndarray) -> Radiograph:
    height, width = pixels.shape
    facts = FileFacts(format="PNG", width=width, height=height, bits=8, colour=False)
    return Radiograph("film", np.ascontiguousarray(pixels, np.float32), facts)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.3, 0.7, (SIDE, SIDE)).astype(np.float32)


def test_a_frame_of_black_is_a_border_and_black_inside_is_not() -> None:
    grey = np.full((SIDE, SIDE), 0.5, np.float32)
    grey[: SIDE // 4] = 0
    grey[150:160, 100:110] = 0
    assert pixel_properties(grey)["black_border"] == pytest.approx(0.25)
    assert pixel_properties(np.zeros_like(grey))["black_border"] == 1


def test_a_letter_is_a_mark_and_an_edge_is_none() -> None:
    ground = np.full((SIDE, SIDE), 0.2, np.float32)
    ground[100:, :] = 0.8
    assert pixel_properties(ground)["text_marks"] == 0
    lettered = ground.copy()
    lettered[20:30, 30:33] = lettered[27:30, 30:38] = 0.9  # an L
    assert pixel_properties(lettered)["text_marks"] == pytest.approx(45 / SIDE**2, rel=0.05)


def test_blur_lowers_sharpness_only() -> None:
    sharp = noise()
    blurred = gaussian_filter(sharp, 2).astype(np.float32)
    one, other = pixel_properties(sharp), pixel_properties(blurred)
    assert one["sharpness"] > other["sharpness"] + 10
    assert one["brightness"] == pytest.approx(other["brightness"], abs=0.01)


def test_squashing_tells_the_proportions_that_were() -> None:
    coarse = gaussian_filter(np.random.default_rng(1).normal(size=(SIDE, 2 * SIDE)), 3)
    wide = Image.fromarray(coarse.astype(np.float32)).resize((SIDE, SIDE))
    ratio = pixel_properties(np.array(wide))["detail_direction"]
    assert ratio > 1.5, "what was twice as wide has steeper edges across"


def test_a_blank_image_has_no_detail_to_measure() -> None:
    found = pixel_properties(np.full((SIDE, SIDE), 0.25, np.float32))
    assert (found["brightness"], found["contrast"], found["text_marks"]) == (0.25, 0, 0)
    assert np.isnan(found["sharpness"])
    assert np.isnan(found["detail_direction"])


@pytest.mark.parametrize("quality", [10, 40, 75, 95, 100])
def test_the_quality_of_a_jpeg_is_told_by_its_tables(quality: int) -> None:
    file = io.BytesIO()
    Image.fromarray((noise() * 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    with Image.open(file) as picture:
        assert jpeg_quality(picture.quantization[0]) == pytest.approx(quality, abs=1)


def test_a_file_tells_its_size_proportions_and_compression(tmp_path: Path) -> None:
    for name, mode in (("a.jpg", "RGB"), ("a.png", "L")):
        Image.new(mode, (200, 100), "grey").save(tmp_path / name)
    jpeg, png = (
        measure(read_radiograph(tmp_path / name), tmp_path / name) for name in ("a.jpg", "a.png")
    )
    assert (jpeg["width_over_height"], jpeg["pixels"]) == (2, 20_000)
    assert jpeg["bytes_per_pixel"] == (tmp_path / "a.jpg").stat().st_size / 20_000
    assert (jpeg["jpeg_quality"], jpeg["colour"]) == (75, 1)
    assert (png["jpeg_quality"], png["colour"]) == (100, 0)


def test_what_is_not_known_is_nan() -> None:
    found = measure(radiograph(noise()))
    assert list(found) == list(PROPERTIES)
    unknown = {key for key, value in found.items() if np.isnan(value)}
    assert unknown == {*LUNG_PROPERTIES, "bytes_per_pixel", "jpeg_quality", "colour"}


def test_the_lungs_box_gives_size_and_position() -> None:
    found = measure(radiograph(noise()), finder=finder(Lungs(True, Box(0.2, 0.8, 0.1, 0.7))))
    shown = [round(found[key], 3) for key in LUNG_PROPERTIES]
    assert shown == [0.6, 0.6, 0.5, 0.4]
    missed = measure(radiograph(noise()), finder=finder(Lungs(False, None)))
    assert all(np.isnan(missed[key]) for key in LUNG_PROPERTIES)


def test_a_dataset_is_measured_once_whatever_its_labels(film_folder: Maker) -> None:
    dataset = scan(film_folder({"train": 4, "test": 2}))
    steps: list[tuple[int, int]] = []
    first = measure_dataset(dataset, progress=lambda *step: steps.append(step))
    assert steps[-1] == (12, 12)
    relabelled = dataset.with_films(dataset.films.assign(label=0, split="test"))

    def never(*_: int) -> None:
        raise AssertionError("measured again")

    again = measure_dataset(relabelled, progress=never)
    assert again.table.equals(first.table)
    assert measured_before(dataset, finder=finder(Lungs(False, None))) is None, "other lungs"


def test_what_cant_be_read_is_left_out_and_said_also_the_second_time(film_folder: Maker) -> None:
    folder = film_folder({"test": 2})
    (folder / "test/NORMAL/broken.png").write_bytes(b"no film")
    dataset = scan(folder)
    for found in (measure_dataset(dataset), measure_dataset(dataset)):
        assert len(found.table) == 4
        assert list(found.unreadable) == ["test/NORMAL/broken.png"]
    (folder / "test/NORMAL/broken.png").unlink()
    for path in folder.rglob("*.png"):
        path.write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"No X-ray of films can be read\. The first: "):
        measure_dataset(scan(folder))


def test_damaged_measurements_are_made_again(film_folder: Maker, tmp_path: Path) -> None:
    dataset = scan(film_folder({"test": 2}))
    first = measure_dataset(dataset, home=tmp_path)
    (file,) = (tmp_path / "properties").iterdir()
    file.write_bytes(b"damaged")
    assert measure_dataset(dataset, home=tmp_path).table.equals(first.table)


def test_an_archive_has_no_file_for_each_image(tmp_path: Path) -> None:
    path = tmp_path / "set.npz"
    images = np.random.default_rng(0).integers(0, 255, (4, 28, 28), dtype=np.uint8)
    np.savez(path, train_images=images, train_labels=np.array([[0], [1], [0], [1]]))
    table = measure_dataset(scan(path)).table
    assert table["bytes_per_pixel"].isna().all()
    assert (table["pixels"] == 28 * 28).all()


def test_cancelling_keeps_nothing(film_folder: Maker) -> None:
    dataset = scan(film_folder({"test": 3}))

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_dataset(dataset, progress=stop)
    assert measured_before(dataset) is None
