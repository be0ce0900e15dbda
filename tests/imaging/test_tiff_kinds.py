"""TIFF files whose samples Pillow holds in no mode: read as written, or refused by their kind."""

import struct
import zlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging import image_size, read_radiograph
from tests.imaging.images import RAMP8, RAMP12, SIDE

KINDS = {"u": 1, "i": 2, "f": 3, "c": 6}


def tiff(values: np.ndarray, *, order: str = "<", rows: int = SIDE, **tags: int) -> bytes:
    """A TIFF of values (H, W) or (H, W, samples) as they are; ``tags`` by a name below."""
    height, width = values.shape[:2]
    samples = 1 if values.ndim == 2 else values.shape[2]
    told = {
        "width": width,
        "height": height,
        "bits": values.dtype.itemsize * 8,
        "compression": 1,
        "photometric": 1,
        "samples": samples,
        "rows": rows,
        "format": KINDS[values.dtype.kind],
        **({"extra": 2} if samples == 2 else {}),
        **tags,
    }
    stored = values.astype(values.dtype.newbyteorder(order))
    starts = range(0, height, rows)
    strips = [stored[start : start + rows].tobytes() for start in starts]
    if told["compression"] == 8:
        strips = [zlib.compress(strip) for strip in strips]
    return _file(order, told, strips)


_TAGS = {
    **{"width": 256, "height": 257, "bits": 258, "compression": 259, "photometric": 262},
    **{"orientation": 274, "samples": 277, "rows": 278, "predictor": 317, "extra": 338},
    "format": 339,
}


def _file(order: str, told: dict[str, int], strips: list[bytes]) -> bytes:
    places = np.cumsum([8, *map(len, strips)]).tolist()
    ends = places[-1]
    entries = {_TAGS[name]: (value,) for name, value in told.items()}
    entries[258] = entries[258] * told["samples"]
    entries[339] = entries[339] * told["samples"]
    entries[273] = tuple(start for start, _ in pairwise(places))
    entries[279] = tuple(map(len, strips))
    lists, directory = b"", b""
    for tag, values in sorted(entries.items()):
        packed = struct.pack(f"{order}{len(values)}L", *values)
        where = packed if len(values) == 1 else struct.pack(f"{order}L", ends + len(lists))
        lists += packed if len(values) > 1 else b""
        directory += struct.pack(f"{order}HHL", tag, 4, len(values)) + where
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HL", 42, ends + len(lists))
    count = struct.pack(f"{order}H", len(entries))
    return head + b"".join(strips) + lists + count + directory + bytes(4)


def pixels(data: bytes) -> np.ndarray:
    return read_radiograph(data).pixels


GREY = RAMP12 / np.float32(4095)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_floats_from_0_to_1_are_read_as_they_are(kind: str, order: str) -> None:
    data = tiff(GREY.astype(kind), order=order, rows=10)
    np.testing.assert_allclose(pixels(data), GREY, atol=1e-3 if kind == "f2" else 1e-6)


def test_other_floats_are_stretched() -> None:
    np.testing.assert_allclose(pixels(tiff(RAMP12 * 1e200 - 5e203)), GREY, atol=1e-6)


@pytest.mark.parametrize("kind", ["u8", "i8", "i1"])
def test_wide_and_signed_whole_numbers_are_read(kind: str) -> None:
    values, grey = (RAMP12, GREY) if kind != "i1" else (RAMP8.astype(int) - 128, RAMP8 / 255)
    np.testing.assert_allclose(pixels(tiff(values.astype(kind))), grey, atol=1e-6)


@pytest.mark.parametrize("order", ["<", ">"])
def test_deep_grey_beside_transparency_lies_over_black(order: str) -> None:
    alpha = np.full_like(RAMP12, 65535)
    alpha[: SIDE // 2] = 0
    found = pixels(tiff(np.dstack([RAMP12, alpha]), order=order))
    np.testing.assert_allclose(found[SIDE // 2 :], GREY[SIDE // 2 :], atol=1e-6)
    assert found[: SIDE // 2].max() == 0


@pytest.mark.parametrize("extra", [0, 1])
def test_a_second_channel_that_is_no_transparency_changes_nothing(extra: int) -> None:
    both = np.dstack([RAMP12, np.zeros_like(RAMP12)])
    np.testing.assert_allclose(pixels(tiff(both, extra=extra)), GREY, atol=1e-6)


def test_deflated_samples_are_read() -> None:
    np.testing.assert_allclose(
        pixels(tiff(GREY.astype("f8"), compression=8, rows=7)), GREY, atol=1e-6
    )


def test_differences_of_neighbours_are_summed() -> None:
    both = np.dstack([RAMP12, np.full_like(RAMP12, 65535)])
    steps = np.diff(both, axis=1, prepend=both[:, :1] * 0)
    np.testing.assert_allclose(pixels(tiff(steps, compression=8, predictor=2)), GREY, atol=1e-6)


def test_white_is_zero_is_inverted_and_said() -> None:
    film = read_radiograph(tiff(GREY.astype("f8"), photometric=0))
    assert film.facts.photometric == "WhiteIsZero"
    np.testing.assert_allclose(film.pixels, 1 - GREY, atol=1e-6)


def test_a_lying_film_is_turned_upright_and_its_size_is_known(tmp_path: Path) -> None:
    lying = np.zeros((64, 128), "f8")
    lying[:32, :32] = 1  # top left of the sensor: top right of the upright film
    film = read_radiograph(tiff(lying, orientation=6, rows=64))
    assert film.pixels.shape == (128, 64)
    assert film.pixels[8, -8] == 1 > film.pixels[8, 8]
    (tmp_path / "a.tif").write_bytes(tiff(lying, orientation=6, rows=64))
    assert image_size(tmp_path / "a.tif") == (128, 64)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (tiff(GREY.astype("c8")), "64-bit complex numbers"),
        (tiff(np.dstack([GREY] * 3).astype("f8"), photometric=2), "3 channels of 64-bit floating"),
        (tiff(GREY.astype("f8"), compression=5), "64-bit floating-point numbers in a compression"),
        (b"MM\0+\0\x08" + bytes(9) + b"\x10" + bytes(80), "big-endian BigTIFF"),
        (tiff(GREY.astype("f8"))[: SIDE * SIDE], "damaged|ends before"),
        (tiff(np.where(RAMP12 == 7, np.nan, GREY).astype("f8")), "not numbers"),
    ],
    ids=["complex", "colour", "LZW", "big-endian BigTIFF", "truncated", "NaN"],
)
def test_what_cannot_be_read_is_named(data: bytes, words: str) -> None:
    with pytest.raises(UnreadableImage, match=words) as refused:
        read_radiograph(data)
    assert "unknown pixel mode" not in str(refused.value)
