"""Films of too many pieces are refused before a decoder takes them one by one.

Each of them kept a reader busy for longer than is allowed, or took more memory, within every other
limit.
"""

import struct
import time
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging import image_size, read_radiograph
from tests.fuzz.apart import LIMIT_MB, LIMIT_S, forget_peak, peak_mb
from tests.imaging.images import RAMP8, RAMP12, dataset, encoded, written

PIECES = 3_000_000
PIXELS = b"\xe0\x7f\x10\0"
ITEM, END = b"\xfe\xff\0\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"
UNTOLD = b"SQ\0\0\xff\xff\xff\xff"


def jpeg(side: int = 64, **options: object) -> bytes:
    return encoded(np.full((side, side), 90, np.uint8), "JPEG", **options)


def scanned(times: int, side: int = 3000) -> bytes:
    """A progressive JPEG whose last scan is there so many times more."""
    whole = jpeg(side, progressive=True)
    return before_end(whole, whole[whole.rfind(b"\xff\xda") : -2] * times)


def before_end(whole: bytes, pieces: bytes) -> bytes:
    return whole[:-2] + pieces + whole[-2:]


def after(whole: bytes, place: int, pieces: bytes) -> bytes:
    return whole[:place] + pieces + whole[place:]


def png(name: bytes, place: bytes) -> bytes:
    whole = encoded(RAMP8, "PNG")
    chunk = bytes(4) + name + struct.pack(">I", zlib.crc32(name))
    return after(whole, whole.index(place) - 4, chunk * PIECES)


def directories() -> bytes:
    """A TIFF of many whole directories, each behind the other."""
    whole = encoded(RAMP8, "TIFF")
    start = int.from_bytes(whole[4:8], "little")
    end = start + 2 + 12 * int.from_bytes(whole[start : start + 2], "little")
    size = end + 4 - start
    rows = np.tile(np.frombuffer(whole[start : end + 4], np.uint8), (PIECES // 10, 1))
    following = len(whole) + size * np.arange(1, len(rows) + 1)
    following[-1] = 0
    rows[:, -4:] = following.astype("<u4").view(np.uint8).reshape(-1, 4)
    return whole[:end] + len(whole).to_bytes(4, "little") + whole[end + 4 :] + rows.tobytes()


def dicom(pieces: bytes) -> bytes:
    whole = written(dataset(RAMP8))
    return after(whole, whole.index(PIXELS), pieces)


def deflated() -> bytes:
    """Less than a megabyte of file, 400 MB of elements."""
    film = dataset(RAMP8)
    start = len(written(film)) - len(written(film)[written(film).index(b"\x08\0\x16\0") :])
    inner = written(film)[start:]
    film.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    whole = written(film)
    head = whole[: whole.index(b"1.2.840.10008.1.2.1.99") + 22]
    packer = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    at = inner.index(PIXELS)
    parts = [inner[:at], *[b"\x29\0\1\x10LO\0\0" * 1_000_000] * 40, inner[at:]]
    return head + b"".join(map(packer.compress, parts)) + packer.flush()


def windows() -> bytes:
    """Implicit elements have four bytes for their length, so there may be a million centres."""
    film = dataset(RAMP8)
    film.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    whole, text = written(film), b"1\\" * PIECES
    elements = [struct.pack("<2HI", 0x28, tag, len(text)) + text for tag in (0x1050, 0x1051)]
    return after(whole, whole.index(PIXELS), b"".join(elements))


def table(*, told: bool) -> bytes:
    """A lookup table of one item with far too much in it; ``told``: it gives its length."""
    inner = b"\x28\0\2\x30UN\0\0" + struct.pack("<I", 2 * PIECES) + bytes(2 * PIECES)
    item = ITEM[:4] + struct.pack("<I", len(inner)) + inner
    tag = b"\x28\0\x10\x30"
    return dicom(
        tag + b"SQ\0\0" + struct.pack("<I", len(item)) + item if told else tag + UNTOLD + item + END
    )


def fragments() -> bytes:
    film = dataset(RAMP12)
    film.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    whole = written(film)
    return after(whole, whole.rindex(END), ITEM * PIECES)


def scans_in_dicom() -> bytes:
    from pydicom.encaps import encapsulate

    film = dataset(np.zeros((3000, 3000), np.uint8))
    film.PixelData = encapsulate([scanned(5000)])
    film["PixelData"].VR = "OB"
    film.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    return written(film)


FILMS: dict[str, tuple[Callable[[], bytes], str]] = {
    "scans": (lambda: scanned(5000), "scans of the whole picture"),
    "scans in DICOM": (scans_in_dicom, "scans of the whole picture"),
    "segments": (lambda: after(jpeg(), 2, b"\xff\xe0\0\2" * PIECES), "too many pieces"),
    "segments behind a scan": (
        lambda: before_end(jpeg(progressive=True), b"\xff\xe0\0\2" * PIECES), "too many pieces"),
    "filling": (lambda: after(jpeg(), 2, b"\xff" * PIECES), "nothing but fill bytes"),
    "filling behind a scan": (
        lambda: before_end(jpeg(progressive=True), b"\xff" * 20_000_000 + b"\0"),
        "nothing but fill bytes"),
    "chunks": (lambda: png(b"tEXt", b"IDAT"), "too many pieces"),
    "chunks of pixels": (lambda: png(b"IDAT", b"IEND"), "too many pieces|truncated"),
    "directories": (directories, "too many pieces"),
    "elements": (lambda: dicom(b"\x29\0\1\x10LO\0\0" * PIECES), "too many pieces"),
    "items": (lambda: dicom(b"\x28\0\x10\x30" + UNTOLD + ITEM * PIECES + END), "it is damaged"),
    "items nobody reads": (
        lambda: dicom(b"\x29\0\x10\x30" + UNTOLD + ITEM * PIECES + END), "it is damaged"),
    "fragments": (fragments, "too many pieces"),
    "deflated elements": (deflated, "too many pieces"),
    "windows": (windows, "far too long"),
    "table": (lambda: table(told=True), "far too long"),
    "table without a length": (lambda: table(told=False), "far too long"),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILMS)
def test_too_many_pieces_are_refused_at_once(kind: str) -> None:
    make, sentence = FILMS[kind]
    film = make()
    assert len(film) < 64_000_000
    before, began = forget_peak(), time.process_time()
    with pytest.raises(UnreadableImage, match=sentence):
        read_radiograph(film)
    assert time.process_time() - began < LIMIT_S / 2
    assert not before or peak_mb() - before < LIMIT_MB * 0.7


@pytest.mark.parametrize("make", [lambda: png(b"tEXt", b"IDAT"), directories, windows])
def test_asking_for_its_size_ends_too(tmp_path: Path, make: Callable[[], bytes]) -> None:
    (tmp_path / "film").write_bytes(make())
    began = time.process_time()
    try:
        image_size(tmp_path / "film")
    except UnreadableImage as refused:
        assert str(refused).endswith(".")
    assert time.process_time() - began < LIMIT_S / 2


def test_what_real_films_hold_is_far_from_the_limits() -> None:
    exif = Image.Exif()
    exif[0x010E] = "x" * 60_000
    pictures = [
        scanned(60, side=64),
        jpeg(1000, restart_marker_blocks=1),  # 15,625 restarts
        encoded(np.full((64, 64), 255, np.uint8), "JPEG", exif=exif, comment=b"\xff" * 65_000),
        jpeg() + b"\xff\xda\0\2" * 10_000 + b"\xff" * 100_000,  # a video behind it, say
    ]
    for film in pictures:
        assert read_radiograph(film).pixels.ndim == 2


def test_a_png_in_chunks_of_a_kilobyte_is_read() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (1500, 1500), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    whole = file.getvalue()
    packed = b""
    at = whole.index(b"IDAT") - 4
    head, place = whole[:at], at
    while whole[place + 4 : place + 8] == b"IDAT":
        size = int.from_bytes(whole[place : place + 4], "big")
        packed += whole[place + 8 : place + 8 + size]
        place += 12 + size
    pieces = [packed[n : n + 1024] for n in range(0, len(packed), 1024)]
    chunks = [
        struct.pack(">I", len(piece))
        + b"IDAT"
        + piece
        + struct.pack(">I", zlib.crc32(b"IDAT" + piece))
        for piece in pieces
    ]
    film = read_radiograph(head + b"".join(chunks) + whole[place:])
    np.testing.assert_array_equal(film.pixels, read_radiograph(whole).pixels)
