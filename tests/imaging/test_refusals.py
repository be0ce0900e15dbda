"""What cannot become a radiograph is refused with its own sentence, and nothing else is raised."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    BasicTextSRStorage,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    MediaStorageDirectoryStorage,
    RLELossless,
)

from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging.radiograph import Radiograph
from pneumo_core.imaging.read import read_radiograph
from tests.imaging.images import RAMP8, RAMP12, SIDE, dataset, dicom, encoded, limits, written

PNG = encoded(RAMP8, "PNG")
JPEG = encoded(RAMP8, "JPEG")
TIFF = encoded(RAMP8, "TIFF")
DICOM = dicom(RAMP12)
FRAME = Image.new("L", (SIDE, SIDE))
THREE = {"save_all": True, "append_images": [Image.new("L", (SIDE, SIDE), v) for v in (99, 255)]}


def refusal(source: bytes | Path, **changes: int) -> UnreadableImage:
    with pytest.raises(UnreadableImage) as caught:
        read_radiograph(source, limits=limits(**changes))
    return caught.value


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header claims a size and whose pixels are missing."""
    header = b"IHDR" + struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    sealed = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return PNG[:8] + sealed + struct.pack(">I", 16) + b"IDAT" + bytes(16)


def without_pixels() -> bytes:
    film = dataset(RAMP12, SOPClassUID=BasicTextSRStorage)
    del film.PixelData, film.Rows, film.Columns
    return written(film)


def header_only() -> bytes:
    film = dataset(RAMP12)
    del film.PixelData
    return written(film)


def dicomdir() -> bytes:
    return dicom(RAMP12, SOPClassUID=MediaStorageDirectoryStorage)


def encapsulated(syntax: str, codestream: bytes, **elements: object) -> bytes:
    film = dataset(RAMP8, **elements)
    film.PixelData = encapsulate([codestream])
    film["PixelData"].VR = "OB"
    film.file_meta.TransferSyntaxUID = UID(syntax)
    return written(film)


def deflated(rows: int) -> bytes:
    film = dataset(np.zeros((rows, SIDE), np.uint16))
    film.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return written(film)


def float_tiff(value: float) -> bytes:
    return encoded(np.full((SIDE, SIDE), value, np.float32), "TIFF")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is empty"),
        (encoded(RAMP8, "PPM"), "this is a PNM picture (PBM, PGM or PPM)"),
        (encoded(RAMP8, "GIF"), "this is a GIF picture, not a chest X-ray Pneumo can read"),
        (b"%PDF-1.7 ...", "this is a PDF document"),
        (b"PK\x03\x04....", "this is a ZIP archive"),
        (b"\0\0\0\x18ftypheic....", "this is a HEIC picture"),
        (b"\0\0\0\x18ftypavif....", "this is an AVIF picture"),
        (b"\0\0\0\x18ftypisom....", "this is a video"),
        (b"RIFF....AVI LIST", "this is a video"),
        (bytes(344) + b"n+1\0", "this is a NIfTI volume"),
        (b"\x1f\x8b\x08....", "this is a gzip archive"),
        (b'<?xml version="1.0"?><svg/>', "this is an SVG drawing"),
        (b"<!DOCTYPE html><p>", "this is a web page"),
        (b"Findings: no infiltrate.", "this is text"),
        (encoded(RAMP8, "JPEG2000"), "this is a JPEG 2000 picture"),
        (b"\xc1\xc2\xc3\xc4" * 50, "this is not an image in a format that Pneumo reads"),
        (encoded(FRAME, "GIF"), "this is a GIF picture"),
        (encoded(FRAME, "TIFF", **THREE), "it has 3 frames"),
        (encoded(FRAME, "PNG", **THREE), "it has 3 frames"),
        (encoded(FRAME, "WebP", **THREE), "it has 3 frames"),
        (dicom(RAMP12, NumberOfFrames=3), "it has 3 frames"),
        (PNG[: len(PNG) // 2], "it is damaged: "),
        (JPEG[: len(JPEG) // 2], "it is damaged: image file is truncated"),
        (TIFF[: len(TIFF) // 2], "it is damaged: "),
        (encoded(RAMP8, "BMP")[:-1], "it is damaged: image file is truncated"),
        (encoded(RAMP8, "WebP")[:-100], "it is damaged: "),
        (DICOM[:-1], "it is truncated: 8,191 of its 8,192 bytes of pixels are present"),
        (deflated(SIDE)[:-20], "it is truncated: its deflated dataset has no end"),
        (header_only(), "its pixels are missing: it has only a header"),
        (without_pixels(), "this is a DICOM file without a picture (Basic Text SR Storage)"),
        (dicomdir(), "this is a DICOMDIR"),
        (encapsulated("1.2.840.10008.1.2.4.94", b"  "), "it is compressed as JPIP Referenced"),
        (encapsulated(JPEGBaseline8Bit, JPEG[:300]), "it is damaged: "),
        (float_tiff(float("nan")), "some of its pixels are not numbers (NaN or infinity)"),
        (dicom(RAMP12, RescaleSlope="1e300", RescaleIntercept=0), "some of its values are not n"),
        (encoded(RAMP8[:40], "PNG"), "it is 64 x 40 pixels, too small to be read"),
        (dicom(RAMP12[:, :63]), "it is 63 x 64 pixels, too small to be read"),
        (png_of(1001, 1000), "it is 1001 x 1000 pixels, more than the 1 million pixels allowed"),
        (png_of(60_000, 60_000), "it is 60000 x 60000 pixels, more than"),
        (dicom(RAMP12, Rows=60_000, Columns=60_000), "it is 60000 x 60000 pixels, more than"),
        (deflated(60_000), "it unpacks to more than an X-ray of the 1 million pixels allowed here"),
    ],
)
def test_a_refusal_says_what_is_wrong(data: bytes, reason: str) -> None:
    refused = refusal(data)
    assert refused.reason.startswith(reason)
    assert not refused.reason.endswith(".")
    assert not refused.remedy.endswith(".")


@pytest.mark.parametrize("whole", [PNG, TIFF, DICOM, deflated(SIDE)], ids=["PNG", "TIFF", "", "z"])
def test_a_film_cut_anywhere_is_refused(whole: bytes) -> None:
    for end in range(1, len(whole) - 20, 61):
        assert refusal(whole[:end]).remedy


def test_a_codestream_may_not_be_larger_than_its_header() -> None:
    large = np.zeros((512, 512), np.uint8)
    for syntax, kind in ((JPEGBaseline8Bit, "JPEG"), (JPEG2000Lossless, "JPEG2000")):
        bomb = encapsulated(syntax, encoded(large, kind, **{"no_jp2": True}))
        assert "its header says 64 x 64 pixels, its picture 512 x 512" in refusal(bomb).reason


def test_runs_may_not_unpack_to_more_than_the_film() -> None:
    run_lengths = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\0" * 10_000
    assert (
        "longer compressed than unpacked" in refusal(encapsulated(RLELossless, run_lengths)).reason
    )


def test_a_refusal_names_the_file_and_the_remedy() -> None:
    with pytest.raises(UnreadableImage) as caught:
        read_radiograph(encoded(RAMP8, "GIF"), name="holiday/photo.gif")
    assert str(caught.value) == (
        "photo.gif: this is a GIF picture, not a chest X-ray Pneumo can read. "
        "Use PNG, JPEG, TIFF, BMP, WebP or DICOM."
    )


def test_a_large_file_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(b"not even a picture")
    for source in (path, path.read_bytes()):
        reason = refusal(source, max_file_bytes=10).reason
        assert reason == "it is larger than the 1e-05 MB allowed here"


def test_paths_that_are_no_files(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.png").reason == "the file does not exist"
    assert refusal(tmp_path).reason == "this is a folder"
    assert refusal(Path(os.devnull)).reason == "this is not a regular file"
    assert refusal(tmp_path / ("a" * 300)).reason.startswith("it cannot be opened")


def test_a_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(PNG)

    def forbidden(*_: object) -> None:  # the tests may run as root, whom nothing is forbidden
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    assert refusal(path).reason == "you have no permission to read it"


def test_a_lack_of_memory_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("pneumo_core.imaging.read.read_picture", exhausted)
    assert "more memory than this machine has free" in refusal(PNG).reason


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_bytes_are_read_or_refused(data: st.DataObject) -> None:
    source = bytearray(data.draw(st.sampled_from([PNG, JPEG, TIFF, DICOM])))
    header = st.integers(0, min(len(source), 900) - 1)  # where the structure lies
    for place in data.draw(st.lists(header | st.integers(0, len(source) - 1), max_size=6)):
        source[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(source)) | st.just(len(source)))
    try:
        film = read_radiograph(bytes(source[:cut]), limits=limits())
    except UnreadableImage:
        return
    assert isinstance(film, Radiograph)
    assert np.isfinite(film.pixels).all()
