"""Headers that contradict their compressed pixels or colours.

They are repaired with a warning, or refused with the element's name.
"""

import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
)

from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging import read_radiograph
from tests.imaging.images import dataset, encoded, written
from tests.imaging.test_grey_values import FILM, GREY, assert_shows, read, refusal, text, twelve

EIGHT = (FILM >> 4).astype(np.uint8)
GREY_8 = EIGHT / np.float32(255)
COLOURLESS = np.stack([EIGHT] * 3, axis=-1)
SIGNED = FILM.astype(np.int16) - 2048
JPEG = encoded(EIGHT, "JPEG", quality=95)
FRAME_HEADER = JPEG.index(b"\xff\xc0")
JPEG_12 = JPEG[:FRAME_HEADER] + b"\xff\xc1\x00\x0b\x0c" + JPEG[FRAME_HEADER + 5 :]


def compressed(film: FileDataset, syntax: UID, **elements: Any) -> FileDataset:
    """The film compressed, and then told otherwise in its header."""
    film.compress(syntax)
    for keyword, value in elements.items():
        setattr(film, keyword, value)
    return film


def declared(film: FileDataset, syntax: UID | str) -> bytes:
    """The film's file, with another Transfer Syntax UID than its pixels have."""
    data = written(film)
    old, new = (
        each.encode() + b"\0" * (len(each) % 2)
        for each in (str(film.file_meta.TransferSyntaxUID), str(syntax))
    )
    at = data.index(old)
    length = struct.pack("<H", len(new))
    data = data[: at - 2] + length + new + data[at + len(old) :]
    group = data.index(b"\x02\0\0\0UL") + 8
    size = struct.unpack_from("<I", data, group)[0] + len(new) - len(old)
    return data[:group] + struct.pack("<I", size) + data[group + 4 :]


def jpeg_film(frame: bytes, syntax: UID) -> FileDataset:
    film = twelve()
    film.file_meta.TransferSyntaxUID = syntax
    film.PixelData = encapsulate([frame])
    film["PixelData"].VR = "OB"
    film["PixelData"].is_undefined_length = True
    return film


# Transfer syntax.


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEG2000Lossless, RLELossless])
def test_uncompressed_pixels_that_are_declared_compressed_are_read(syntax: UID) -> None:
    assert_shows(read(declared(twelve(), syntax)), GREY, "but the pixels are not compressed")


def test_compressed_pixels_that_are_declared_uncompressed_are_refused() -> None:
    film = compressed(twelve(), RLELossless)
    data = declared(film, "1.2.840.10008.1.2.1")
    with pytest.raises(ValueError, match="says Explicit VR Little Endian, but its pixels are comp"):
        read_radiograph(data)


@pytest.mark.parametrize("syntax", ["1.2.3.4", "1.2.840.113619.5.2", "JPEG"])
def test_an_unknown_transfer_syntax_is_refused_by_name(syntax: str) -> None:
    with pytest.raises(ValueError, match=rf"Transfer Syntax UID \(0002,0010\) is '{syntax}'"):
        read_radiograph(declared(twelve(), syntax))


@pytest.mark.parametrize(
    ("codec", "told"),
    [
        (JPEG2000Lossless, JPEGLSLossless),
        (JPEGLSLossless, JPEG2000Lossless),
        (JPEGLSLossless, JPEGLosslessSV1),
        (JPEGLSLossless, RLELossless),
    ],
)
def test_the_codestream_tells_its_codec(codec: UID, told: UID) -> None:
    film = read(declared(compressed(twelve(), codec), told))
    assert_shows(film, GREY, "it was read as that")


# Depth and sign of compressed pixels.


@pytest.mark.parametrize("codec", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_more_bits_than_allocated_are_read(codec: UID) -> None:
    film = compressed(twelve(), codec, BitsAllocated=8, BitsStored=8, HighBit=7)
    assert_shows(read(film), GREY, "Bits Allocated (0028,0100) is 8")


def test_eight_bits_of_rle_that_are_declared_as_twelve() -> None:
    film = compressed(dataset(EIGHT), RLELossless, BitsAllocated=16, BitsStored=12, HighBit=11)
    assert_shows(read(film), GREY_8, "Bits Allocated (0028,0100) is 16")


def test_an_8_bit_jpeg_that_is_declared_as_twelve() -> None:
    film = read(jpeg_film(JPEG, JPEGExtended12Bit))
    assert_shows(film, GREY_8, "Bits Allocated (0028,0100) is 16", atol=0.02)


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"])
def test_a_lossy_jpeg_of_12_bits_is_refused_by_its_depth(syntax: str) -> None:
    assert "a lossy JPEG with 12 bits" in refusal(jpeg_film(JPEG_12, UID(syntax)))


@pytest.mark.parametrize("codec", [JPEG2000Lossless, JPEGLSLossless])
@pytest.mark.parametrize(("pixels", "told"), [(SIGNED, 0), (FILM, 1)])
def test_a_wrong_sign_of_compressed_pixels(codec: UID, pixels: np.ndarray, told: int) -> None:
    film = dataset(pixels, BitsStored=12, HighBit=11)
    film = compressed(film, codec, PixelRepresentation=told)
    assert_shows(read(film), GREY, "Pixel Representation (0028,0103) says")


def test_signed_values_that_are_declared_unsigned() -> None:
    film = dataset(SIGNED, BitsStored=12, HighBit=11, PixelRepresentation=0)
    assert_shows(read(film), GREY, "says that values are unsigned")


# JPEG outside of DICOM.


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (JPEG_12, "a JPEG of 12 bits"),
        (JPEG.replace(b"\xff\xc0", b"\xff\xc3", 1), "a lossless JPEG"),
        (JPEG.replace(b"\xff\xc0", b"\xff\xf7", 1), "a JPEG-LS picture"),
    ],
)
def test_other_kinds_of_jpeg_are_named(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=f"it is {words}, which Pneumo can't read"):
        read_radiograph(data)


# Colours.


def colours(*, pixels: np.ndarray = EIGHT, **elements: Any) -> FileDataset:
    return dataset(np.stack([pixels] * 3, axis=-1), **elements)


def lossy(pixels: np.ndarray, film: FileDataset) -> FileDataset:
    """The film, whose pixels are a JPEG of others."""
    film.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    film.PixelData = encapsulate([encoded(pixels, "JPEG", quality=95)])
    film["PixelData"].VR, film["PixelData"].is_undefined_length = "OB", True
    return film


@pytest.mark.parametrize("codec", [None, JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_the_codestream_tells_its_channels(codec: UID | None) -> None:
    """Grey that is declared as colour, and grey in three channels that is declared as one."""
    grey, three = dataset(EIGHT), dataset(COLOURLESS)
    if codec is None:
        pair, atol = (lossy(EIGHT, three), lossy(COLOURLESS, grey)), 0.01
    else:
        as_three = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}
        as_one = {"SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2"}
        pair = (
            compressed(grey, codec, PlanarConfiguration=0, **as_three),
            compressed(three, codec, **as_one),
        )
        atol = 1e-5
    assert_shows(read(pair[0]), GREY_8, "is 3, but the compressed picture has 1 channel", atol=atol)
    assert_shows(read(pair[1]), GREY_8, "is 1, but the compressed picture has 3 chan", atol=atol)


@pytest.mark.parametrize(
    ("pixels", "film"),
    [
        (COLOURLESS, dataset(EIGHT, PhotometricInterpretation="MONOCHROME1")),
        (Image.merge("CMYK", [Image.fromarray(EIGHT)] * 4), dataset(COLOURLESS)),
    ],
    ids=["colours of MONOCHROME1", "CMYK"],
)
def test_channels_that_no_photometric_interpretation_explains(
    pixels: np.ndarray, film: FileDataset
) -> None:
    assert "Samples per Pixel (0028,0002)" in refusal(lossy(pixels, film))


@pytest.mark.parametrize("little", [True, False])
def test_another_byte_order_than_declared_is_refused_by_name(little: bool) -> None:
    film = twelve()
    if not little:
        film.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        film.set_original_encoding(False, False)
    told = ExplicitVRBigEndian if little else ImplicitVRLittleEndian
    with pytest.raises(UnreadableImage, match=r"Transfer Syntax UID .* are (little|big)-endian"):
        read(declared(film, told))


@pytest.mark.parametrize(
    ("stored_as", "modality"),
    [
        (CTImageStorage, "CT"),
        (UltrasoundImageStorage, "US"),
        (DigitalMammographyXRayImageStorageForPresentation, "MG"),
        (SecondaryCaptureImageStorage, None),
    ],
)
def test_the_storage_class_tells_a_missing_modality(stored_as: UID, modality: str | None) -> None:
    film = twelve(SOPClassUID=stored_as)
    assert read(film).facts.modality == "DX"
    del film.Modality
    assert read(film).facts.modality == modality


def test_signed_colours_are_unsigned() -> None:
    assert_shows(read(colours(PixelRepresentation=1)), GREY_8, "says that colours are signed")


def test_12_bits_of_colour_in_16_are_no_dark_picture() -> None:
    assert_shows(read(colours(pixels=FILM, BitsStored=12, HighBit=11)), GREY)
    assert_shows(read(colours(pixels=FILM)), GREY, "the colours use 12 bits")


def test_left_justified_colours() -> None:
    assert_shows(read(colours(pixels=FILM << 4, BitsStored=12, HighBit=15)), GREY)


@pytest.mark.parametrize("declared_planar", [0, 1])
def test_grey_in_three_channels_whose_order_is_declared_wrongly(declared_planar: int) -> None:
    pixels = np.stack([EIGHT] * 3, axis=0 if declared_planar == 0 else -1)
    film = dataset(pixels.reshape(*EIGHT.shape, 3), PlanarConfiguration=declared_planar)
    assert_shows(read(film), GREY_8, f"Planar Configuration (0028,0006) is {declared_planar}")


# Numbers and facts.


def test_a_blank_of_another_encoding_is_no_part_of_a_number() -> None:
    film = text(twelve(), "WindowCenter", "DS", b"\xc2\xa02048 ")
    film = text(film, "WindowWidth", "DS", b"4096")
    assert_shows(read(film), GREY, atol=1e-3)


def coded(value: str, meaning: str) -> Sequence:
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = value, "SCT", meaning
    return Sequence([region])


@pytest.mark.parametrize(
    ("value", "meaning", "part"),
    [("51185008", "Torso, upper", "CHEST"), ("85562004", "Hand", "Hand")],
)
def test_a_coded_region_is_the_body_part_where_there_is_no_other(
    value: str, meaning: str, part: str
) -> None:
    film = twelve(AnatomicRegionSequence=coded(value, meaning))
    assert read(film).facts.body_part == part
    film.BodyPartExamined = "KNEE"
    assert read(film).facts.body_part == "KNEE"


def test_anatomy_and_orientation_of_an_enhanced_object_are_read() -> None:
    group, anatomy, oriented = Dataset(), Dataset(), Dataset()
    anatomy.AnatomicRegionSequence, anatomy.FrameLaterality = coded("85562004", "Hand"), "R"
    oriented.PatientOrientation = ["A", "F"]
    group.FrameAnatomySequence = Sequence([anatomy])
    group.PatientOrientationInFrameSequence = Sequence([oriented])
    facts = read(twelve(SharedFunctionalGroupsSequence=Sequence([group]))).facts
    assert (facts.body_part, facts.laterality) == ("Hand", "R")
    assert facts.orientation == ("A", "F")


def test_lower_case_is_as_good() -> None:
    facts = read(twelve(Laterality="l", BurnedInAnnotation="yes")).facts
    assert (facts.laterality, facts.burned_in_text) == ("L", True)
