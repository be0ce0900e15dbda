"""The same film from a file, bytes, an open file, an array or a picture; else a sentence."""

from collections.abc import Callable
from io import BytesIO, StringIO, UnsupportedOperation
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging import Radiograph, image_size, read_radiograph, read_values

_RANDOM = np.random.default_rng(0)
FILM8 = _RANDOM.integers(0, 256, (90, 80), np.uint8)
FILM12 = _RANDOM.integers(0, 4096, (90, 80), np.uint16)
COLOUR = _RANDOM.integers(0, 256, (90, 80, 3), np.uint8)
ORIENTATION, PHOTOMETRIC = 0x112, 262


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def of_file(array: np.ndarray, kind: str = "PNG") -> Radiograph:
    return read_radiograph(saved(Image.fromarray(array), kind))


@pytest.mark.parametrize(
    ("array", "kind"),
    [(FILM8, "PNG"), (FILM12, "PNG"), (COLOUR, "PNG"), (np.float32(FILM8 / 255), "TIFF")],
)
def test_an_array_is_the_film_of_its_file(array: np.ndarray, kind: str) -> None:
    film = read_radiograph(array)
    assert np.array_equal(film.pixels, of_file(array, kind).pixels)
    assert (film.name, film.facts.format) == ("film", "array")
    assert (film.facts.width, film.facts.height) == (80, 90)


@pytest.mark.parametrize(
    "same",
    [
        FILM12.astype(np.int64),
        FILM12.astype(">u2"),
        np.asfortranarray(FILM12),
        np.repeat(FILM12, 2, axis=1)[:, ::2],
        np.ma.array(FILM12),
    ],
)
def test_layout_and_width_of_whole_numbers_change_nothing(same: np.ndarray) -> None:
    assert np.array_equal(read_radiograph(same).pixels, of_file(FILM12).pixels)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_between_0_and_1_are_taken_as_they_are(dtype: type) -> None:
    array = (FILM8 / 255).astype(dtype)
    assert np.array_equal(read_radiograph(array).pixels, array.astype(np.float32))


def test_an_array_is_left_as_it_was() -> None:
    array = FILM8.copy()
    read_radiograph(array)
    assert array.flags.writeable
    assert np.array_equal(array, FILM8)


@pytest.mark.parametrize(
    ("array", "told"),
    [
        (FILM8.astype(np.float32), r"go from 0 to 255, and floats must lie in \[0, 1\]. Scale"),
        (FILM8 / 127.5 - 1, "floats must lie"),
        (np.full((90, 80), np.nan), "not numbers"),
        (FILM12.astype(np.int32) - 1024, r"whole numbers must lie in \[0, 65535\]"),
        (FILM12.astype(np.int64) * 1000, "whole numbers must lie"),
        (np.zeros((2, 90, 80), np.uint8), r"an array of uint8 with the shape \(2, 90, 80\)"),
        (COLOUR / 255, "an array of float64 with the shape"),
        (np.zeros(90, np.uint8), "with the shape"),
        (np.zeros((0, 80)), "too small"),
        (FILM8[:20], "80 x 20 pixels, too small"),
        (np.ma.masked_less(FILM8, 9), "some of its values are masked"),
    ],
)
def test_an_array_that_says_no_film_is_refused(array: np.ndarray, told: str) -> None:
    with pytest.raises(UnreadableImage, match=told):
        read_radiograph(array)


IMAGES = {
    "L": Image.fromarray(FILM8),
    "1": Image.fromarray(FILM8).convert("1"),
    "I;16": Image.fromarray(FILM12),
    "I": Image.fromarray(FILM12.astype(np.int32)),
    "F": Image.fromarray(np.float32(FILM8 / 255)),
    "RGB": Image.fromarray(COLOUR),
    "P": Image.fromarray(COLOUR).quantize(200),
    "LA": Image.merge("LA", [Image.fromarray(FILM8), Image.fromarray(FILM8[::-1].copy())]),
    "RGBA": Image.fromarray(np.dstack([COLOUR, FILM8])),
    "CMYK": Image.fromarray(COLOUR).convert("CMYK"),
    "LAB": Image.merge("LAB", Image.fromarray(COLOUR).split()),
}


@pytest.mark.parametrize("mode", IMAGES)
def test_a_picture_is_the_film_of_its_file(mode: str) -> None:
    image = IMAGES[mode]
    kind = "TIFF" if mode in ("I", "F", "CMYK", "LAB") else "PNG"
    content = saved(image, kind)
    pixels = read_radiograph(content).pixels
    film = read_radiograph(image)
    assert film.facts.format == "image"
    assert np.array_equal(film.pixels, pixels)
    with Image.open(BytesIO(content)) as opened:
        film = read_radiograph(opened)
        assert np.array_equal(film.pixels, pixels)
        assert film.facts.format == kind
        opened.getpixel((0, 0))  # still open


@pytest.mark.parametrize("mode", ["HSV", "YCbCr", "La", "RGBa", "PA", "I;16B"])
def test_a_picture_no_file_has_a_mode_for_is_read(mode: str) -> None:
    source = {"La": IMAGES["LA"], "RGBa": IMAGES["RGBA"], "I;16B": IMAGES["I;16"]}
    image = source.get(mode, IMAGES["P"] if mode == "PA" else IMAGES["RGB"]).convert(mode)
    assert read_radiograph(image).pixels.shape == (90, 80)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
def test_a_turned_picture_is_turned_and_left_as_it_was(kind: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    content = saved(IMAGES["L"], kind, exif=exif)
    with Image.open(BytesIO(content)) as opened:
        film = read_radiograph(opened)
    assert film.pixels.shape == (80, 90)
    assert np.array_equal(film.pixels, read_radiograph(content).pixels)
    given = IMAGES["L"].copy()
    given.getexif()[ORIENTATION] = 6
    assert read_radiograph(given).pixels.shape == (80, 90)
    assert given.size == (80, 90)
    assert given.getexif()[ORIENTATION] == 6


def test_clear_pixels_of_a_picture_are_black_as_those_of_its_file() -> None:
    for mode, clear in (("L", 7), ("I;16", 7), ("RGB", tuple(COLOUR[3, 4].tolist()))):
        content = saved(IMAGES[mode], "PNG", transparency=clear)
        with Image.open(BytesIO(content)) as opened:
            assert np.array_equal(
                read_radiograph(opened).pixels, read_radiograph(content).pixels
            ), mode


def test_pictures_that_say_no_film_are_refused() -> None:
    frames = saved(IMAGES["L"], "TIFF", save_all=True, append_images=[IMAGES["L"]])
    with Image.open(BytesIO(frames)) as opened, pytest.raises(UnreadableImage, match="2 frames"):
        read_radiograph(opened)
    white = saved(IMAGES["I;16"], "TIFF", tiffinfo={PHOTOMETRIC: 0})
    with Image.open(BytesIO(white)) as opened:
        if opened.tag_v2.get(PHOTOMETRIC) == 0:  # type: ignore[attr-defined]
            with pytest.raises(UnreadableImage, match="its white is 0"):
                read_radiograph(opened)
    with pytest.raises(UnreadableImage, match="floats must lie"):
        read_radiograph(Image.fromarray(FILM8.astype(np.float32)))
    with pytest.raises(UnreadableImage, match="below 0"):
        read_radiograph(Image.fromarray(FILM12.astype(np.int32) - 9))
    cut = saved(IMAGES["L"], "PNG")[:2000]
    with Image.open(BytesIO(cut)) as opened, pytest.raises(UnreadableImage, match="damaged"):
        read_radiograph(opened)


def test_a_film_larger_than_a_file_may_be_is_read_from_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PNEUMO_MAX_FILE_MB", "0.001")
    assert read_radiograph(FILM8).pixels.shape == (90, 80)
    with pytest.raises(UnreadableImage, match="larger than the 0.001 MB"):
        read_radiograph(saved(IMAGES["L"], "PNG"))
    with pytest.raises(UnreadableImage, match="larger than the 0.001 MB"):
        read_radiograph(BytesIO(saved(IMAGES["L"], "PNG")))
    monkeypatch.setenv("PNEUMO_MAX_MEGAPIXELS", "0.005")
    with pytest.raises(UnreadableImage, match="more than the 0.005 million pixels"):
        read_radiograph(FILM8)


def test_bytes_of_each_kind_and_open_files(tmp_path: Path) -> None:
    content = saved(IMAGES["L"], "PNG")
    path = tmp_path / "film.png"
    path.write_bytes(content)
    pixels = of_file(FILM8).pixels
    sources: list[Any] = [str(path), path, content, bytearray(content), memoryview(content)]
    for source in [*sources, BytesIO(content)]:
        assert np.array_equal(read_radiograph(source).pixels, pixels)
    with path.open("rb") as file:
        film = read_radiograph(file)
        assert film.name == "film.png"
        assert np.array_equal(film.pixels, pixels)
        assert not file.closed
    with path.open("rb", buffering=0) as file:
        assert np.array_equal(read_values(file).values, pixels)
    assert image_size(str(path)) == (80, 90)
    with pytest.raises(UnreadableImage, match="can't be read: read of closed file|closed file"):
        read_radiograph(file)


def test_a_file_that_gives_no_bytes() -> None:
    with pytest.raises(TypeError, match="The file gives text. Open it for reading bytes"):
        read_radiograph(StringIO("text"))  # type: ignore[arg-type]

    class Written(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise UnsupportedOperation("not readable")

    with pytest.raises(UnreadableImage, match="it can't be read: not readable. Open it again"):
        read_radiograph(Written())


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (None, "An X-ray must be a path, .* or a Pillow image, not None."),
        (5, "An X-ray must be .*, not int."),
        ([FILM8], "not list"),
        ({"film": 1}, "not dict"),
        (Radiograph, "not type"),
        (FILM8 > 9, "An array of bool can't be an X-ray. Pass uint8, uint16, or floats"),
        (FILM8.astype(complex), "complex128"),
        (np.array(["film"]), "can't be an X-ray"),
        (np.array([None]), "object"),
    ],
)
@pytest.mark.parametrize("reads", [read_radiograph, read_values])
def test_another_type_is_told_in_a_sentence(
    reads: Callable[..., Any], source: Any, told: str
) -> None:
    with pytest.raises(TypeError, match=told):
        reads(source)


def test_other_arguments_of_a_wrong_type() -> None:
    with pytest.raises(TypeError, match="An X-ray's name must be a str, not int"):
        read_radiograph(FILM8, name=5)  # type: ignore[arg-type]
    with pytest.raises(
        TypeError, match=r"limits must be pneumo_core.core.settings.Settings, not dict"
    ):
        read_radiograph(FILM8, limits={})  # type: ignore[arg-type]
