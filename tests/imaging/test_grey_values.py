"""Each attribute that decides a grey value of a DICOM: honoured, repaired with a warning, refused.

The table of docs/reliability.md names these tests.
"""

import logging
import warnings
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRBigEndian, JPEG2000Lossless

from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging import Radiograph, read_radiograph, read_values
from tests.imaging.images import RAMP12, dataset, dicom, encoded, written

y, x = np.mgrid[:96, :128] / 128
SHADE = 0.5 + 0.25 * np.sin(9 * x + 4 * y) + 0.25 * np.cos(7 * y - 3 * x * y)
FILM = np.round((SHADE - SHADE.min()) / np.ptp(SHADE) * 4095).astype(np.uint16)
"""uint16 (96, 128): a smooth picture of all 12 bits."""
GREY = FILM / np.float32(4095)
WINDOW = {"WindowCenter": 2048, "WindowWidth": 4096}
TWELVE = {"BitsStored": 12, "HighBit": 11}


def read(film: FileDataset | bytes) -> Radiograph:
    return read_radiograph(film if isinstance(film, bytes) else written(film))


def twelve(pixels: np.ndarray = FILM, **elements: Any) -> FileDataset:
    return dataset(pixels, **TWELVE | elements)


def text(film: FileDataset, keyword: str, vr: str, value: bytes) -> FileDataset:
    """The film with an element of these very bytes, whatever pydicom thinks of them."""
    tag = Tag(keyword)
    film[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
    return film


def without(film: FileDataset, *keywords: str) -> FileDataset:
    for keyword in keywords:
        delattr(film, keyword)
    return film


def table(entries: Any, first: int, bits: int, *, count: int | None = None) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) if count is None else count, first, bits])
    item.add_new("LUTData", "OW", np.asarray(entries, "<u2").tobytes())
    return item


def refusal(film: FileDataset) -> str:
    with pytest.raises(UnreadableImage) as caught:
        read(film)
    return caught.value.reason


def assert_shows(film: Radiograph, grey: np.ndarray, *warned: str, atol: float = 1e-5) -> None:
    """The film has these pixels, and each warning holds the text that belongs to it."""
    np.testing.assert_allclose(film.pixels, grey, atol=atol)
    assert len(film.facts.warnings) == len(warned), film.facts.warnings
    for sentence, part in zip(film.facts.warnings, warned, strict=True):
        assert part in sentence
        assert sentence.endswith(".")


# Image Pixel: bits.


def test_a_film_that_is_right_has_no_warning() -> None:
    assert_shows(read(twelve(**WINDOW)), GREY)


@pytest.mark.parametrize("stored", [8, 10, 11])
def test_bits_beyond_bits_stored_are_read_where_the_picture_goes_on_in_them(stored: int) -> None:
    film = dataset(FILM, BitsStored=stored, HighBit=stored - 1, **WINDOW)
    assert_shows(read(film), GREY, f"Bits Stored (0028,0101) is {stored}")


def test_overlays_beyond_bits_stored_are_masked_without_a_warning() -> None:
    overlay = (np.indices(FILM.shape).sum(axis=0) % 7 == 0) * np.uint16(0x3000)
    assert_shows(read(twelve(FILM | overlay, **WINDOW)), GREY)


def test_left_justified_values_with_their_high_bit() -> None:
    assert_shows(read(dataset(FILM << 4, BitsStored=12, HighBit=15, **WINDOW)), GREY)


def test_left_justified_values_without_their_high_bit() -> None:
    assert_shows(read(twelve(FILM << 4, **WINDOW)), GREY, "High Bit (0028,0102)")


def test_a_high_bit_that_no_value_reaches() -> None:
    film = dataset(FILM, BitsStored=12, HighBit=15, **WINDOW)
    assert_shows(read(film), GREY, "High Bit (0028,0102)")


def test_a_high_bit_below_bits_stored() -> None:
    film = dataset(FILM, BitsStored=12, HighBit=7, **WINDOW)
    assert_shows(read(film), GREY, "High Bit (0028,0102)")


def test_left_justified_values_compressed() -> None:
    film = dataset(FILM << 4, BitsStored=16, HighBit=15, **WINDOW)
    film.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg")
    film.BitsStored = 12
    assert_shows(read(film), GREY)


@pytest.mark.parametrize("compressed", [False, True])
def test_signed_values(compressed: bool) -> None:
    film = twelve(FILM.astype(np.int16) - 2048, WindowCenter=0, WindowWidth=4096)
    if compressed:
        film.compress(JPEG2000Lossless, encoding_plugin="pylibjpeg")
    assert_shows(read(film), GREY)


def test_unsigned_values_that_are_declared_signed() -> None:
    film = twelve(PixelRepresentation=1, **WINDOW)
    assert_shows(read(film), GREY, "Pixel Representation (0028,0103)")


@pytest.mark.parametrize(
    ("keyword", "assumed"),
    [
        ("BitsStored", "12"),
        ("BitsAllocated", "16"),
        ("SamplesPerPixel", "1"),
        ("PhotometricInterpretation", "MONOCHROME2"),
    ],
)
def test_what_is_missing_is_assumed_as_viewers_do(keyword: str, assumed: str) -> None:
    film = read(without(twelve(**WINDOW), keyword))
    assert_shows(film, GREY, f"{assumed} was assumed")
    assert keyword == "PhotometricInterpretation" or film.facts.photometric == "MONOCHROME2"


def test_bits_stored_and_high_bit_missing() -> None:
    assert_shows(read(without(twelve(), "BitsStored", "HighBit")), GREY, "16 was assumed")


@pytest.mark.parametrize("signed", [False, True])
def test_a_missing_pixel_representation(signed: bool) -> None:
    pixels = FILM.astype(np.int16) - 2048 * signed
    told = {"WindowCenter": 2048 - 2048 * signed, "WindowWidth": 4096}
    film = read(without(dataset(pixels, **told), "PixelRepresentation"))
    assert_shows(film, GREY, *["Pixel Representation"] * signed)


def test_eight_bits_that_are_declared_as_sixteen() -> None:
    film = dataset((FILM >> 4).astype(np.uint8), BitsAllocated=16)
    assert_shows(read(film), (FILM >> 4) / 255, "Bits Allocated (0028,0100) is 16")


def test_sixteen_bits_that_are_declared_as_eight() -> None:
    assert "Bits Allocated (0028,0100) is 8" in refusal(
        dataset(FILM, BitsAllocated=8, BitsStored=8)
    )
    film = read(twelve(BitsAllocated=8, **WINDOW))
    assert_shows(film, GREY, "Bits Allocated (0028,0100) is 8")


def test_more_bits_stored_than_allocated() -> None:
    film = dataset((FILM >> 4).astype(np.uint8), BitsStored=12, HighBit=7)
    assert_shows(read(film), (FILM >> 4) / 255, "Bits Stored (0028,0101) is 12")


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("BitsAllocated", 24),
        ("SamplesPerPixel", 4),
        ("PixelRepresentation", 7),
        ("PhotometricInterpretation", "CMYK"),
        ("PhotometricInterpretation", "HSV"),
        ("PhotometricInterpretation", "RGB"),
        ("PhotometricInterpretation", "YBR_PARTIAL_420"),
    ],
)
def test_values_that_no_film_has_are_refused_by_name(keyword: str, value: Any) -> None:
    tag = Tag(keyword)
    assert f"({tag.group:04X},{tag.element:04X})" in refusal(twelve(**{keyword: value}))


@pytest.mark.parametrize("told", ["monochrome1", " MONOCHROME1 ", "MONOCHROME 1", "Monochrome_1"])
def test_photometric_interpretations_in_any_spelling(told: str) -> None:
    film = text(twelve(**WINDOW), "PhotometricInterpretation", "CS", told.encode())
    assert_shows(read(film), 1 - GREY)


# Modality LUT.


def test_a_decimal_comma_is_a_point() -> None:
    told = {"RescaleSlope": b"0,5 ", "RescaleIntercept": b"-10,0 "}
    film = twelve(WindowCenter=1014, WindowWidth=2048)
    pointed = read(twelve(WindowCenter=1014, WindowWidth=2048, RescaleSlope="0.5",
                          RescaleIntercept="-10"))  # fmt: skip
    for keyword, value in told.items():
        film = text(film, keyword, "DS", value)
    assert_shows(read(film), pointed.pixels, "(0028,1053)", "(0028,1052)")


def test_blanks_are_absent() -> None:
    film = text(twelve(**WINDOW), "RescaleSlope", "DS", b"    ")
    assert_shows(read(text(film, "RescaleIntercept", "DS", b"  ")), GREY)


@pytest.mark.parametrize("told", [b"abc ", b"nan ", b"1.2.3 ", b"inf "])
def test_a_rescale_slope_that_is_no_number_is_refused(told: bytes) -> None:
    reason = refusal(text(twelve(**WINDOW), "RescaleSlope", "DS", told))
    assert "Rescale Slope (0028,1053)" in reason


def test_half_a_rescale_is_completed() -> None:
    film = twelve(RescaleIntercept=-100, WindowCenter=1948, WindowWidth=4096)
    assert_shows(read(film), GREY, "Rescale Slope (0028,1053); 1 was assumed")
    film = twelve(RescaleSlope=2, WindowCenter=4095.5, WindowWidth=8191)
    assert_shows(read(film), GREY, "Rescale Intercept (0028,1052); 0 was assumed", atol=1e-4)


def test_a_slope_of_nothing_is_one() -> None:
    film = twelve(RescaleSlope=0, RescaleIntercept=0, **WINDOW)
    assert_shows(read(film), GREY, "Rescale Slope (0028,1053) is 0")


def test_a_negative_slope_turns_the_film_over() -> None:
    assert_shows(read(twelve(RescaleSlope=-1, RescaleIntercept=4095, **WINDOW)), 1 - GREY)


def test_a_modality_table_of_one_value_is_left_aside() -> None:
    film = twelve(ModalityLUTSequence=[table(np.zeros(4096), 0, 16)], **WINDOW)
    assert_shows(read(film), GREY, "modality transformation")


def test_a_modality_table_without_entries_is_refused() -> None:
    item = table([1], 0, 16)
    del item.LUTData
    assert "Modality LUT Sequence (0028,3000)" in refusal(twelve(ModalityLUTSequence=[item]))


# VOI LUT: tables.


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 15])
def test_a_table_declared_deeper_than_it_is(bits: int) -> None:
    entries = np.arange(4096) * ((1 << bits) - 1) // 4095
    right = read(twelve(VOILUTSequence=[table(entries, 0, bits)]))
    wrong = read(twelve(VOILUTSequence=[table(entries, 0, 16)]))
    assert_shows(right, entries[FILM] / ((1 << bits) - 1))
    assert_shows(wrong, right.pixels, "LUT Descriptor (0028,3002)")


def test_a_table_declared_flatter_than_it_is() -> None:
    film = read(twelve(VOILUTSequence=[table(np.arange(4096) * 16, 0, 8)]))
    assert_shows(film, GREY, "LUT Descriptor (0028,3002)")


@pytest.mark.parametrize("bits", [0, 17, 255])
def test_a_table_of_impossible_depth(bits: int) -> None:
    film = read(twelve(VOILUTSequence=[table(np.arange(4096), 0, bits)]))
    assert_shows(film, GREY, "LUT Descriptor (0028,3002)")


def test_a_table_of_65536_entries_is_declared_with_0() -> None:
    film = dataset(FILM * 16, VOILUTSequence=[table(np.arange(65536), 0, 16, count=0)])
    assert_shows(read(film), FILM * 16 / 65535)


def test_a_table_that_begins_below_zero() -> None:
    item = table(np.arange(4096), 65536 - 2048, 12)
    film = twelve(RescaleSlope=1, RescaleIntercept=-2048, VOILUTSequence=[item])
    assert_shows(read(film), GREY)


def test_a_table_with_fewer_entries_than_it_says() -> None:
    item = table(np.arange(3000), 0, 12, count=4096)
    film = read(twelve(VOILUTSequence=[item]))
    assert_shows(film, np.minimum(FILM, 2999) / 4095, "3,000 of its 4,096 entries")


def test_a_table_of_bytes_and_one_declared_deeper() -> None:
    for bits, warned in ((8, ()), (16, ("holds 8",))):
        item = table([0], 0, bits, count=4096)
        item["LUTData"].value = (np.arange(4096) >> 4).astype(np.uint8).tobytes()
        told = read(twelve(VOILUTSequence=[item]))
        assert_shows(told, (FILM >> 4) / 255, *warned, *["(0028,3002)"] * len(warned))


def test_a_table_that_can_not_be_used_is_left_aside() -> None:
    for keyword in ("LUTData", "LUTDescriptor"):
        item = table(np.arange(4096), 0, 12)
        delattr(item, keyword)
        assert_shows(read(twelve(VOILUTSequence=[item])), GREY, "VOI LUT Sequence (0028,3010)",
                     "full range")  # fmt: skip


def test_a_big_endian_table_is_the_little_endian_one() -> None:
    entries = np.arange(4096)[::-1]
    film = twelve(VOILUTSequence=[table(entries, 0, 12)])
    little = read(film).pixels
    film = twelve(FILM.byteswap(), VOILUTSequence=[table(entries.astype("u2").byteswap(), 0, 12)])
    film.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    film.set_original_encoding(False, False)
    assert_shows(read(film), little)


# VOI LUT: windows.


@pytest.mark.parametrize("told", [b"2048,0", b"2048.0", b" 2048 ", b"2048\\1", b"2.048E3 "])
def test_windows_in_any_spelling(told: bytes) -> None:
    film = read(text(twelve(WindowWidth=4096), "WindowCenter", "DS", told))
    assert_shows(film, GREY, *["decimal comma"] * (b"," in told))


def test_a_window_that_is_no_number_is_left_aside_with_a_warning() -> None:
    film = text(twelve(WindowWidth=100), "WindowCenter", "DS", b"high")
    assert_shows(read(film), GREY, "holds 'high', not a number")


@pytest.mark.parametrize("pairs", [(b"2048\\x ", b"4096\\90 "), (b"x\\2048 ", b"9\\4096")])
def test_one_window_that_is_no_number_leaves_the_others(pairs: tuple[bytes, bytes]) -> None:
    film = text(text(twelve(), "WindowCenter", "DS", pairs[0]), "WindowWidth", "DS", pairs[1])
    assert_shows(read(film), GREY, "holds 'x', not a number")
    assert [each.width for each in read(film).facts.windows][:1] == [4096]


def test_half_a_window_is_left_aside_with_a_warning() -> None:
    assert_shows(read(twelve(WindowCenter=9)), GREY, "Window Width (0028,1051)")


@pytest.mark.parametrize("window", [(9000, 10), (2048, 0), (2048, 0.5), (40, 900_000), (-9, 4)])
def test_a_window_that_shows_nothing_gives_way_with_a_warning(window: tuple[float, float]) -> None:
    film = read(twelve(WindowCenter=window[0], WindowWidth=window[1]))
    assert_shows(film, GREY, "Window Width (0028,1051)", "full range")
    assert film.facts.windows[0].name == "Full range of the file"


def test_a_table_that_shows_nothing_gives_way_to_the_window() -> None:
    black = table(np.zeros(4096), 0, 12)
    film = read(twelve(VOILUTSequence=[black], **WINDOW))
    assert_shows(film, GREY, "VOI LUT Sequence (0028,3010)")


def test_an_unknown_function_is_linear() -> None:
    film = read(twelve(VOILUTFunction="CUBIC", **WINDOW))
    assert_shows(film, GREY, "VOI LUT Function (0028,1056)")


# Pixel padding.


def margined(value: int, pixels: np.ndarray = FILM) -> tuple[np.ndarray, np.ndarray]:
    """The pixels with margins of that value, and where they are."""
    padded, margin = pixels.copy(), np.ones(FILM.shape, bool)
    margin[5:-5, 6:-6] = False
    padded[margin] = np.array(value).astype(pixels.dtype)
    return padded, margin


def inner(margin: np.ndarray) -> np.ndarray:
    """The film over the range of what is not margin, which is black."""
    values = FILM[~margin].astype(float)
    return np.where(margin, 0, (FILM - values.min()) / np.ptp(values))


@pytest.mark.parametrize("value", [-2048, -32768])
def test_signed_padding_takes_no_part_in_the_range(value: int) -> None:
    pixels, margin = margined(value, FILM.astype(np.int16))
    film = dataset(pixels, PixelPaddingValue=value, BitsStored=16)
    film["PixelPaddingValue"].VR = "SS"
    assert_shows(read(film), inner(margin))
    # the same bits, told without a sign
    film.add_new("PixelPaddingValue", "US", value % 65536)
    assert_shows(read(film), inner(margin))


@pytest.mark.parametrize("bits", [12, 16])
@pytest.mark.parametrize("window", [{}, WINDOW])
def test_padding_of_65535_is_black(bits: int, window: dict[str, int]) -> None:
    pixels, margin = margined(65535)
    film = dataset(pixels, BitsStored=bits, HighBit=bits - 1, PixelPaddingValue=65535, **window)
    assert_shows(read(film), np.where(margin, 0, GREY) if window else inner(margin))


def test_padding_of_0_in_monochrome1_is_black() -> None:
    pixels, margin = margined(0, 4095 - FILM)
    told = {"PhotometricInterpretation": "MONOCHROME1", "PixelPaddingValue": 0}
    assert_shows(read(twelve(pixels, **told, **WINDOW)), np.where(margin, 0, GREY))


def test_a_range_of_padding() -> None:
    pixels, margin = margined(60_000)
    pixels[:2] = 61_000
    film = dataset(pixels, PixelPaddingValue=60_000, PixelPaddingRangeLimit=61_000)
    assert_shows(read(film), inner(margin))


def test_the_viewers_values_leave_padding_out() -> None:
    pixels, _ = margined(65535)
    film = written(twelve(pixels, PixelPaddingValue=65535, PhotometricInterpretation="MONOCHROME1"))
    values = read_values(film)
    assert values.full_range().center < 4096
    assert values.percentiles().center < 4096
    np.testing.assert_allclose(values.through(values.full_range()), read(film).pixels, atol=1e-5)


def test_a_padding_value_within_the_picture_only_is_picture() -> None:
    pixels = FILM.copy()
    pixels[[0, -1]], pixels[:, [0, -1]] = 100, 100
    film = twelve(pixels, PixelPaddingValue=4095, **WINDOW)
    assert_shows(read(film), pixels / 4095)


def test_padding_nearly_everywhere_is_picture() -> None:
    film = twelve(PixelPaddingValue=0, PixelPaddingRangeLimit=4095, **WINDOW)
    assert_shows(read(film), GREY, "Pixel Padding Value (0028,0120) covers 100%")


# Palettes and presentation.


def paletted(entries: np.ndarray, bits: int) -> FileDataset:
    film = dataset((FILM >> 4).astype(np.uint8), PhotometricInterpretation="PALETTE COLOR")
    for channel in ("Red", "Green", "Blue"):
        film.add_new(f"{channel}PaletteColorLookupTableDescriptor", "US", [256, 0, bits])
        film.add_new(f"{channel}PaletteColorLookupTableData", "OW", entries.tobytes())
    return film


def test_palettes_of_bytes_of_words_and_of_bytes_in_words() -> None:
    grey = (FILM >> 4) / 255
    assert_shows(read(paletted(np.arange(256, dtype=np.uint8), 8)), grey)
    assert_shows(read(paletted((np.arange(256) * 257).astype("<u2"), 16)), grey)
    assert_shows(read(paletted(np.arange(256).astype("<u2"), 16)), grey, "(0028,1101)")


def test_a_missing_palette_is_refused_by_name() -> None:
    film = paletted(np.arange(256, dtype=np.uint8), 8)
    assert "(0028,1201)" in refusal(without(film, "RedPaletteColorLookupTableData"))
    film = paletted(np.arange(256, dtype=np.uint8), 8)
    assert "(0028,1203)" in refusal(without(film, "BluePaletteColorLookupTableData"))


def test_a_presentation_table() -> None:
    falling = table(np.arange(256)[::-1], 0, 8)
    film = read(twelve(PresentationLUTSequence=[falling], **WINDOW))
    assert_shows(film, 1 - GREY, atol=1 / 255)


@pytest.mark.parametrize(
    ("shape", "photometric", "inverted", "warned"),
    [
        ("IDENTITY", "MONOCHROME2", False, ()),
        ("INVERSE", "MONOCHROME1", True, ()),
        ("IDENTITY", "MONOCHROME1", True, ()),
        ("INVERSE", "MONOCHROME2", True, ("contradict",)),
        ("LIN OD", "MONOCHROME2", False, ("Presentation LUT Shape (2050,0020)",)),
    ],
)
def test_presentation_shapes(
    shape: str, photometric: str, inverted: bool, warned: tuple[str, ...]
) -> None:
    told = {"PresentationLUTShape": shape, "PhotometricInterpretation": photometric}
    film = read(twelve(**told, **WINDOW))
    assert_shows(film, 1 - GREY if inverted else GREY, *warned)


def test_unprocessed_data_are_said_to_be_so() -> None:
    film = read(twelve(PresentationIntentType="FOR PROCESSING", **WINDOW))
    assert_shows(film, GREY, "FOR PROCESSING")


# Enhanced objects.


def grouped(place: str, **groups: Dataset) -> Dataset:
    item = Dataset()
    for keyword, group in groups.items():
        setattr(item, keyword, [group])
    outer = Dataset()
    setattr(outer, place, [item])
    return outer


@pytest.mark.parametrize("place", ["Shared", "PerFrame"])
def test_functional_groups_are_used(place: str) -> None:
    pixel_values, voi = Dataset(), Dataset()
    pixel_values.RescaleSlope, pixel_values.RescaleIntercept = 2, -100
    voi.WindowCenter, voi.WindowWidth, voi.VOILUTFunction = 1900, 4000, "LINEAR_EXACT"
    groups = {"PixelValueTransformationSequence": pixel_values, "FrameVOILUTSequence": voi}
    outer = grouped(f"{place}FunctionalGroupsSequence", **groups)
    flat = read(twelve(RescaleSlope=2, RescaleIntercept=-100, WindowCenter=1900, WindowWidth=4000,
                       VOILUTFunction="LINEAR_EXACT"))  # fmt: skip
    film = twelve(NumberOfFrames=1, WindowCenter=1, WindowWidth=2)
    film.update(outer)
    nested = read(film)
    assert_shows(nested, flat.pixels)
    assert nested.facts.windows == flat.facts.windows
    values = read_values(written(film))
    np.testing.assert_allclose(values.values, FILM * 2.0 - 100)


# Tinted scans.


@pytest.mark.parametrize(
    "tint", [(0.93, 0.97, 1), (1, 0.95, 0.82), (0.8, 1, 0.9)], ids=["blue", "sepia", "green"]
)
def test_a_tinted_scan_is_read_as_grey(tint: tuple[float, float, float]) -> None:
    grey = (FILM >> 4).astype(np.uint8)
    scan = np.round(grey[..., None] * np.array(tint)).astype(np.uint8)
    for film in (read(encoded(scan, "PNG")), read(dicom(scan))):
        assert not film.facts.colour
        assert_shows(film, grey / 255, "tint", atol=1.1 / 255)


def test_real_colours_stay_colours() -> None:
    grey = (FILM >> 4).astype(np.uint8)
    photo = np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1)
    duotone = np.stack([grey, grey // 2, 255 - grey], axis=-1)
    for colours in (photo, duotone):
        film = read(encoded(colours, "PNG"))
        assert film.facts.colour
        assert film.facts.warnings == ()


# Pydicom as found.


def test_reading_leaves_pydicom_and_the_filters_as_they_were() -> None:
    before = (
        list(warnings.filters),
        logging.getLogger("pydicom").level,
        pydicom.config.settings.reading_validation_mode,
    )
    read(twelve(PatientAge="45", **WINDOW))
    with pytest.raises(UnreadableImage):
        read(dicom(RAMP12)[:-1])
    after = (
        list(warnings.filters),
        logging.getLogger("pydicom").level,
        pydicom.config.settings.reading_validation_mode,
    )
    assert after == before


@pytest.mark.parametrize(
    ("age", "years"),
    [("999Y", None), ("131Y", None), ("130Y", 130.0), ("045y", 45.0), ("45", None)],
)
def test_ages_that_nobody_reaches_are_unknown(age: str, years: float | None) -> None:
    assert read(twelve(PatientAge=age)).facts.age_years == years
