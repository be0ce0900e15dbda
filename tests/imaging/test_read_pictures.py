"""Pictures become grey in [0, 1]: what each mode of each format means."""

import struct
import sys
from pathlib import Path
from subprocess import run

import numpy as np
import pytest
from PIL import Image

from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging.radiograph import FileFacts, Radiograph, to_input
from pneumo_core.imaging.read import read_radiograph
from tests.imaging.images import RAMP8, RAMP12, SIDE, encoded

GREY = RAMP8 / np.float32(255)


def pixels_of(data: bytes) -> np.ndarray:
    return read_radiograph(data).pixels


def plain(mode: str, value: object) -> Image.Image:
    return Image.new(mode, (SIDE, SIDE), value)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP"])
def test_lossless_8_bit_grey_is_divided_by_255(kind: str) -> None:
    np.testing.assert_allclose(pixels_of(encoded(RAMP8, kind)), GREY, atol=1e-7)


@pytest.mark.parametrize("kind", ["JPEG", "WebP"])
def test_lossy_grey_stays_close(kind: str) -> None:
    smooth = np.tile(np.arange(SIDE, dtype=np.uint8) * 4, (SIDE, 1))
    pixels = pixels_of(encoded(Image.fromarray(smooth).convert("RGB"), kind, quality=95))
    assert np.abs(pixels - smooth / 255).max() < 0.03


def test_a_radiograph_is_float32_contiguous_and_read_only() -> None:
    pixels = pixels_of(encoded(RAMP8, "PNG"))
    assert pixels.dtype == np.float32
    assert pixels.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        pixels[0, 0] = 1


def test_a_radiograph_refuses_other_dtypes() -> None:
    facts = FileFacts("PNG", SIDE, SIDE, 8, False)
    with pytest.raises(ValueError, match="uint8"):
        Radiograph("film", RAMP8, facts)  # type: ignore[arg-type]


def test_facts_of_a_picture() -> None:
    facts = read_radiograph(encoded(RAMP8[:, :63].repeat(2, axis=1), "PNG")).facts
    assert facts == FileFacts("PNG", width=126, height=64, bits=8, colour=False)


def test_the_name_is_the_path_without_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "film.jpg"  # the name lies; the bytes say PNG
    path.write_bytes(encoded(RAMP8, "PNG"))
    film = read_radiograph(path)
    assert (film.name, film.facts.format) == ("film.jpg", "PNG")
    assert read_radiograph(path.read_bytes(), name="C:\\films\\a.png").name == "a.png"


# Modes. A plain picture of one colour, and the grey it must become.

RED_LUMA = 76 / 255  # 0.299 * 255 = 76.2
MODES = [
    ("PNG", plain("1", 1), 1.0),
    ("PNG", plain("LA", (200, 51)), 40 / 255),  # a fifth of 200, over black
    ("PNG", plain("RGBA", (200, 200, 200, 51)), 40 / 255),
    ("PNG", plain("RGB", (255, 0, 0)), RED_LUMA),
    ("TIFF", plain("RGBX", (255, 0, 0, 0)), RED_LUMA),
    ("TIFF", plain("CMYK", (0, 0, 0, 255)), 0.0),
    ("JPEG", plain("CMYK", (0, 0, 0, 0)), 1.0),
    ("TIFF", plain("YCbCr", (120, 128, 128)), 120 / 255),
    ("TIFF", plain("LAB", (255, 128, 128)), 1.0),
    ("TIFF", plain("I", 4095), 1.0),
    ("TIFF", plain("F", 0.25), 0.25),
    ("WebP", plain("RGBA", (255, 255, 255, 0)), 0.0),
]


@pytest.mark.parametrize(
    ("kind", "picture", "grey"), MODES, ids=[f"{kind}-{p.mode}" for kind, p, _ in MODES]
)
def test_a_mode_becomes_its_grey(kind: str, picture: Image.Image, grey: float) -> None:
    assert pixels_of(encoded(picture, kind)) == pytest.approx(grey, abs=0.005)


def test_palette_colours_are_looked_up() -> None:
    picture = plain("P", 1)
    picture.putpalette([0, 0, 0, 102, 102, 102])
    assert pixels_of(encoded(picture, "PNG")) == pytest.approx(0.4)
    assert pixels_of(encoded(picture, "PNG", transparency=1)) == pytest.approx(0)


def test_pixels_beyond_the_palette_are_refused() -> None:
    """Pillow shows them black."""
    picture = Image.fromarray(RAMP8).convert("P")
    picture.putpalette([grey for grey in range(100) for _ in "RGB"])
    with pytest.raises(UnreadableImage, match="palette has 100 colours, but its pixels use 256"):
        pixels_of(encoded(picture, "PNG"))


def test_colour_is_told_from_grey_stored_as_rgb() -> None:
    grey = Image.fromarray(RAMP8).convert("RGB")
    tinted = Image.merge("RGB", [Image.fromarray(RAMP8)] * 2 + [plain("L", 0)])
    assert not read_radiograph(encoded(grey, "JPEG")).facts.colour
    assert read_radiograph(encoded(tinted, "PNG")).facts.colour


# Deep pictures.


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_12_bits_in_16_are_divided_by_4095(kind: str) -> None:
    film = read_radiograph(encoded(RAMP12, kind))
    assert film.facts.bits == 16
    np.testing.assert_allclose(film.pixels, RAMP12 / 4095, atol=1e-6)


def test_8_bits_in_16_are_divided_by_255() -> None:
    dim = (RAMP12 // 32).astype(np.uint16)  # 127 at most: not stretched
    np.testing.assert_allclose(pixels_of(encoded(dim, "PNG")), dim / 255, atol=1e-6)


def test_signed_and_unlimited_values_are_stretched() -> None:
    signed = RAMP12.astype(np.int32) - 1000
    floats = RAMP12.astype(np.float32) - 1000
    for values in (signed, floats):
        np.testing.assert_allclose(pixels_of(encoded(values, "TIFF")), RAMP12 / 4095, atol=1e-6)


def white_is_zero(values: np.ndarray) -> bytes:
    """An uncompressed little-endian TIFF that says PhotometricInterpretation 0."""
    data = encoded(values, "TIFF", compression=None)
    return data.replace(
        struct.pack("<HHLHH", 262, 3, 1, 1, 0), struct.pack("<HHLHH", 262, 3, 1, 0, 0)
    )


@pytest.mark.parametrize("values", [RAMP8, RAMP12], ids=["8 bits", "12 bits"])
def test_white_is_zero_is_inverted(values: np.ndarray) -> None:
    film = read_radiograph(white_is_zero(values))
    assert film.facts.photometric == "WhiteIsZero"
    np.testing.assert_allclose(film.pixels, 1 - values / values.max(), atol=1e-6)


# Turning.


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WebP"])
def test_exif_orientation_6_turns_the_film_clockwise(kind: str) -> None:
    lying = np.zeros((64, 128), np.uint8)
    lying[:32, :32] = 255  # top left of the sensor: top right of the upright film
    exif = Image.Exif()
    exif[0x0112] = 6
    film = read_radiograph(encoded(Image.fromarray(lying).convert("RGB"), kind, exif=exif))
    assert (film.facts.width, film.facts.height) == film.pixels.shape[::-1] == (64, 128)
    assert film.pixels[8, -8] > 0.95 > 0.05 > film.pixels[8, 8]


def test_a_cameras_mpo_is_its_first_picture() -> None:
    preview = Image.new("L", (SIDE, SIDE), 0)
    data = encoded(plain("L", 255), "MPO", save_all=True, append_images=[preview])
    film = read_radiograph(data)
    assert film.facts.format == "JPEG"
    assert film.pixels.min() > 0.99


# What a model sees.


def test_to_input_squashes_to_a_square_of_8_bits() -> None:
    film = np.zeros((100, 300), np.float32)
    film[:, 150:] = 1
    square = to_input(film, 50)
    assert square.shape == (50, 50)
    assert square.dtype == np.uint8
    assert square[:, :24].max() == 0
    assert square[:, 26:].min() == 255


def test_to_input_keeps_a_film_of_that_size() -> None:
    np.testing.assert_array_equal(to_input(pixels_of(encoded(RAMP8, "PNG")), SIDE), RAMP8)


def test_to_input_averages_what_it_shrinks() -> None:
    checkers = np.indices((128, 128)).sum(axis=0) % 2
    middle = to_input(checkers.astype(np.float32), 16)[2:-2, 2:-2]
    assert np.abs(middle.astype(int) - 128).max() <= 2


def test_reading_a_picture_imports_neither_pydicom_nor_torch(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(encoded(RAMP8, "PNG"))
    code = (
        "import sys; from pathlib import Path;"
        "from pneumo_core.imaging.read import read_radiograph;"
        "read_radiograph(Path(sys.argv[1]));"
        "sys.exit(any(m in sys.modules for m in ('pydicom', 'torch')))"
    )
    assert run([sys.executable, "-c", code, str(path)], check=False).returncode == 0
