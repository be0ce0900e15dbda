"""16 bits a channel in colour or with transparency: 12 bits among them stay whole."""

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from pneumo_core.imaging import Radiograph, read_radiograph
from tests.imaging.test_grey_values import FILM, GREY

GREY_ALPHA, RGB, RGBA = 4, 2, 6
OPAQUE = np.full(FILM.shape, 65535, np.uint16)


def png(channels: np.ndarray, kind: int, *chunks: bytes) -> bytes:
    """A PNG of 16-bit channels (H, W, C); Pillow writes none."""
    height, width = channels.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in channels)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
    body = b"".join((header, *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")))
    return b"\x89PNG\r\n\x1a\n" + body


def chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def tiff(channels: np.ndarray, *, little: bool) -> bytes:
    """An uncompressed TIFF of 16-bit RGB (H, W, 3)."""
    order = "<" if little else ">"
    height, width = channels.shape[:2]
    pixels = channels.astype(f"{order}u2").tobytes()
    tags = [
        (256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 8 + len(pixels)), (259, 3, 1, 1),
        (262, 3, 1, 2), (273, 4, 1, 8), (277, 3, 1, 3), (278, 3, 1, height),
        (279, 4, 1, len(pixels)), (284, 3, 1, 1),
    ]  # fmt: skip
    file = BytesIO()
    file.write((b"II*\0" if little else b"MM\0*") + struct.pack(f"{order}I", 14 + len(pixels)))
    file.write(pixels + struct.pack(f"{order}3H", 16, 16, 16))
    file.write(struct.pack(f"{order}H", len(tags)))
    for tag, kind, count, value in tags:
        short = kind == 3 and count == 1
        packed = struct.pack(
            f"{order}{'HH' if short else 'I'}", *([value, 0] if short else [value])
        )
        file.write(struct.pack(f"{order}HHI", tag, kind, count) + packed)
    file.write(bytes(4))
    return file.getvalue()


def stacked(*channels: np.ndarray) -> np.ndarray:
    return np.stack(channels, axis=-1)


def film(data: bytes) -> Radiograph:
    return read_radiograph(data)


@pytest.mark.parametrize("shift", [0, 4])
@pytest.mark.parametrize("kind", [GREY_ALPHA, RGB, RGBA])
def test_12_and_16_bits_of_grey_in_channels(kind: int, shift: int) -> None:
    grey = FILM << shift
    channels = {GREY_ALPHA: [grey, OPAQUE], RGB: [grey] * 3, RGBA: [grey] * 3 + [OPAQUE]}[kind]
    read = film(png(stacked(*channels), kind))
    np.testing.assert_allclose(read.pixels, GREY, atol=3e-4)
    assert (read.facts.bits, read.facts.colour) == (16, False)


@pytest.mark.parametrize("little", [True, False])
def test_12_bits_in_a_tiff(little: bool) -> None:
    data = tiff(stacked(FILM, FILM, FILM), little=little)
    np.testing.assert_allclose(film(data).pixels, GREY, atol=3e-4)


def test_8_bits_in_16_are_divided_by_255() -> None:
    small = FILM >> 4
    data = png(stacked(small, small, small), RGB)
    np.testing.assert_allclose(film(data).pixels, small / 255, atol=1e-5)


def test_what_is_transparent_is_black() -> None:
    alpha = OPAQUE.copy()
    alpha[:10], alpha[10:20] = 0, 32768
    read = film(png(stacked(FILM, alpha), GREY_ALPHA)).pixels
    np.testing.assert_allclose(read[:10], 0)
    np.testing.assert_allclose(read[10:20], GREY[10:20] / 2, atol=5e-3)
    np.testing.assert_allclose(read[20:], GREY[20:], atol=3e-4)


def test_colour_stays_colour_and_a_tint_is_taken_out() -> None:
    tinted = stacked(FILM * 0.93, FILM * 0.97, FILM)
    read = film(png(tinted.round().astype(np.uint16), RGB))
    np.testing.assert_allclose(read.pixels, GREY, atol=2e-3)
    assert (read.facts.colour, len(read.facts.warnings)) == (False, 1)
    assert film(png(stacked(FILM, 4095 - FILM, FILM), RGB)).facts.colour


@pytest.mark.parametrize("kind", [GREY_ALPHA, RGB])
def test_it_is_turned_as_its_orientation_says(kind: int) -> None:
    exif = Image.Exif()
    exif[0x112] = 6  # to be turned to the right
    lying = np.rot90(FILM)
    channels = [lying, np.rot90(OPAQUE)] if kind == GREY_ALPHA else [lying] * 3
    data = png(stacked(*channels), kind, chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0")))
    np.testing.assert_allclose(film(data).pixels, GREY, atol=3e-4)


def planes(channels: np.ndarray, *, order: str, tile: int | None, packed: bool) -> bytes:
    """A TIFF of 16-bit channels (H, W, C), one plane after the other, in tiles or whole."""
    height, width, count = channels.shape
    side = tile or max(height, width)
    blocks = []
    for plane in range(count):
        for top in range(0, height, side):
            for left in range(0, width, side):
                part = channels[top : top + side, left : left + side, plane]
                wide = np.zeros((side, side), np.uint16) if tile else np.zeros_like(part)
                wide[: part.shape[0], : part.shape[1]] = part
                blocks.append(wide.astype(f"{order}u2").tobytes())
    if packed:
        blocks = [zlib.compress(block) for block in blocks]
    offsets = [8 + sum(map(len, blocks[:k])) for k in range(len(blocks))]
    tags: dict[int, list[int]] = {
        **{256: [width], 257: [height], 258: [16] * count, 259: [8 if packed else 1]},
        **{262: [2], 277: [count], 284: [2]},
        **({338: [2]} if count == 4 else {}),
        **({322: [side], 323: [side], 324: offsets} if tile else {273: offsets, 278: [height]}),
        325 if tile else 279: [len(block) for block in blocks],
    }
    body = b"".join(blocks)
    lists, directory = b"", b""
    for tag, values in sorted(tags.items()):
        value = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            at = 8 + len(body) + len(lists)
            lists, value = lists + value, struct.pack(f"{order}I", at)
        directory += struct.pack(f"{order}HHI", tag, 4, len(values)) + value
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(
        f"{order}I", 8 + len(body) + len(lists)
    )
    return head + body + lists + struct.pack(f"{order}H", len(tags)) + directory + bytes(4)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("tile", [None, 32, 48])
@pytest.mark.parametrize("order", ["<", ">"])
def test_planes_of_a_tiff_one_after_the_other(order: str, tile: int | None, packed: bool) -> None:
    read = film(planes(stacked(FILM, FILM, FILM), order=order, tile=tile, packed=packed))
    np.testing.assert_allclose(read.pixels, GREY, atol=3e-4)
    assert not read.facts.colour


def test_transparency_and_colour_in_planes() -> None:
    clear = OPAQUE.copy()
    clear[:48] = 0
    read = film(planes(stacked(FILM, FILM, FILM, clear), order="<", tile=None, packed=False))
    assert not read.pixels[:48].any()
    np.testing.assert_allclose(read.pixels[48:], GREY[48:], atol=3e-4)
    turned = FILM[::-1]
    assert film(planes(stacked(FILM, turned, FILM), order="<", tile=32, packed=True)).facts.colour
