"""What a picture lost on its way is told on."""

from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000, ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLSNearLossless

from pneumo_core.imaging import LossyStep, read_radiograph
from tests.imaging.images import RAMP8, RAMP12, dataset, dicom, encoded, written

NOISE = np.random.default_rng(0).integers(0, 256, (96, 96), dtype=np.uint8)
JPEG, J2K = "ISO_10918_1", "ISO_15444_1"


def told(**elements: Any) -> tuple[LossyStep, ...]:
    """Of an uncompressed film whose header holds the elements."""
    return read_radiograph(dicom(RAMP12, BitsStored=12, HighBit=11, **elements)).facts.lossy


def packed(syntax: str, frame: bytes, **elements: Any) -> tuple[LossyStep, ...]:
    """Of a compressed film."""
    film = dataset(NOISE, **elements)
    film.file_meta.TransferSyntaxUID = syntax
    film.PixelData = encapsulate([frame])
    film["PixelData"].is_undefined_length = True
    return read_radiograph(written(film)).facts.lossy


@pytest.mark.parametrize(
    ("elements", "steps"),
    [
        ({}, ()),
        ({"LossyImageCompression": "00"}, ()),
        ({"LossyImageCompression": "01"}, (LossyStep(),)),
        (
            {
                "LossyImageCompression": "01",
                "LossyImageCompressionRatio": "10.5",
                "LossyImageCompressionMethod": JPEG,
            },
            (LossyStep(JPEG, 10.5),),
        ),
        (
            {
                "LossyImageCompression": "01",
                "LossyImageCompressionRatio": ["8", "3"],
                "LossyImageCompressionMethod": [JPEG, J2K],
            },
            (LossyStep(JPEG, 8), LossyStep(J2K, 3)),
        ),
        ({"LossyImageCompression": "01", "LossyImageCompressionRatio": "8"}, (LossyStep(None, 8),)),
        (
            {
                "LossyImageCompression": "01",
                "LossyImageCompressionRatio": "987654321",
                "LossyImageCompressionMethod": "SECRET",
            },
            (LossyStep(),),
        ),
        ({"LossyImageCompressionRatio": "10", "LossyImageCompressionMethod": JPEG}, ()),
    ],
)
def test_an_uncompressed_dicom_film_lost_what_its_header_says(
    elements: dict[str, Any], steps: tuple[LossyStep, ...]
) -> None:
    assert told(**elements) == steps


def test_a_lossy_transfer_syntax_is_a_step_of_its_own() -> None:
    frame = encoded(NOISE, "JPEG", quality=50)
    (step,) = packed(JPEGBaseline8Bit, frame)
    assert step.method == JPEG
    assert 1 < step.ratio < NOISE.size / len(frame)
    assert packed(JPEGBaseline8Bit, frame, LossyImageCompression="00"), "it always loses"


def test_what_the_header_tells_of_the_files_own_compression_is_not_told_twice() -> None:
    frame = encoded(NOISE, "JPEG", quality=50)
    header = {"LossyImageCompression": "01", "LossyImageCompressionRatio": "7"}
    assert packed(JPEGBaseline8Bit, frame, **header) == (LossyStep(JPEG, 7),)
    earlier = {**header, "LossyImageCompressionMethod": J2K}
    first, second = packed(JPEGBaseline8Bit, frame, **earlier)
    assert (first, second.method) == (LossyStep(J2K, 7), JPEG)


def test_jpeg_2000_may_say_that_it_lost_nothing() -> None:
    frame = encoded(NOISE, "JPEG2000", no_jp2=True)
    assert packed(JPEG2000, frame)[0].method == J2K
    assert packed(JPEG2000, frame, LossyImageCompression="00") == ()


def test_near_lossless_jpeg_ls_is_lossy() -> None:
    film = dataset(NOISE)
    film.compress(JPEGLSNearLossless, jls_error=3)
    assert read_radiograph(written(film)).facts.lossy[0].method == "ISO_14495_1"
    assert film.file_meta.TransferSyntaxUID != ExplicitVRLittleEndian


@pytest.mark.parametrize(
    ("kind", "options", "method"),
    [
        ("JPEG", {"quality": 80}, JPEG),
        ("WebP", {"quality": 80}, "WEBP"),
        ("WebP", {"quality": 80, "exif": b"Exif\0\0"}, "WEBP"),
        ("TIFF", {"compression": "jpeg"}, JPEG),
        ("WebP", {"lossless": True}, None),
        ("TIFF", {"compression": "tiff_lzw"}, None),
        ("PNG", {}, None),
        ("BMP", {}, None),
    ],
)
def test_pictures_are_lossy_by_what_is_in_them(
    kind: str, options: dict[str, Any], method: str | None
) -> None:
    file = encoded(Image.fromarray(NOISE), kind, **options)
    steps = read_radiograph(file).facts.lossy
    assert [step.method for step in steps] == ([method] if method else [])
    if kind == "JPEG":
        assert steps[0].ratio == round(NOISE.size / len(file), 2)


def test_an_x_ray_of_another_maker_is_not_ours() -> None:
    assert not read_radiograph(dicom(RAMP8, Manufacturer="Pneumonics")).facts.from_pneumo
    assert read_radiograph(dicom(RAMP8, Manufacturer="Pneumo")).facts.from_pneumo
