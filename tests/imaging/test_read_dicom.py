"""DICOM films: every transfer syntax gives the same pixels, every presentation what it says."""

import tracemalloc
import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

import data_store  # type: ignore[import-untyped]
import numpy as np
import pydicom.data
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging.radiograph import Window
from pneumo_core.imaging.read import image_size, read_radiograph
from tests.imaging.images import RAMP8, RAMP12, SIDE, dataset, dicom, encoded, written

FULL = RAMP12 / np.float32(4095)
SHIPPED = [
    path
    for folder in (Path(pydicom.data.__file__).parent, Path(data_store.__file__).parent / "data")
    for path in sorted(folder.rglob("*"))
    if path.is_file() and path.suffix not in (".py", ".pyc")
]


def pixels_of(data: bytes) -> np.ndarray:
    return read_radiograph(data).pixels


def shipped(name: str) -> Path:
    return next(path for path in SHIPPED if path.name == name)


# Transfer syntaxes.


def test_explicit_little_endian_without_a_window_shows_its_full_range() -> None:
    np.testing.assert_allclose(pixels_of(dicom(RAMP12 + 50)), FULL, atol=1e-6)


def test_implicit_and_deflated() -> None:
    for syntax in (ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian):
        film = dataset(RAMP12)
        film.file_meta.TransferSyntaxUID = syntax
        read = read_radiograph(written(film))
        np.testing.assert_allclose(read.pixels, FULL, atol=1e-6)
        assert read.facts.transfer_syntax == syntax.name


def test_big_endian() -> None:
    film = dataset(RAMP12)
    film.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    film.set_original_encoding(False, False)
    film.PixelData = RAMP12.astype(">u2").tobytes()
    np.testing.assert_allclose(pixels_of(written(film)), FULL, atol=1e-6)


@pytest.mark.parametrize(
    ("syntax", "plugin"),
    [(RLELossless, "pydicom"), (JPEGLSLossless, "pyjpegls"), (JPEG2000Lossless, "pylibjpeg")],
)
def test_lossless_compression_gives_identical_pixels(syntax: str, plugin: str) -> None:
    film = dataset(RAMP12, BitsStored=12, HighBit=11)
    plain = pixels_of(written(film))
    film.compress(syntax, encoding_plugin=plugin)
    np.testing.assert_array_equal(pixels_of(written(film)), plain)


def test_jpeg_lossless_of_a_real_film() -> None:
    lossless = read_radiograph(shipped("JPEG-LL.dcm"))
    assert (lossless.facts.bits, lossless.pixels.shape) == (16, (1024, 256))
    assert "JPEG Lossless" in (lossless.facts.transfer_syntax or "")


def test_jpeg_lossless_gives_the_pixels_of_the_plain_film() -> None:
    for packed, plain in (("RG1_J2KR.dcm", "RG1_UNCR.dcm"), ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb.dcm")):
        np.testing.assert_array_equal(
            read_radiograph(shipped(packed)).pixels, read_radiograph(shipped(plain)).pixels
        )


def test_jpeg_baseline() -> None:
    smooth = np.tile(np.arange(SIDE, dtype=np.uint8) * 4, (SIDE, 1))
    film = dataset(smooth)
    film.PixelData = encapsulate([encoded(smooth, "JPEG", quality=95)])
    film["PixelData"].VR = "OB"
    film.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    assert np.abs(pixels_of(written(film)) - smooth / 252).max() < 0.03


@pytest.mark.parametrize("implicit", [True, False])
def test_a_bare_dataset_without_preamble_is_recognised(implicit: bool) -> None:
    file = BytesIO()
    film = dataset(RAMP12)
    del film.file_meta, film.preamble
    film.save_as(file, implicit_vr=implicit, little_endian=True)
    read = read_radiograph(file.getvalue())
    assert read.facts.format == "DICOM"
    assert read.facts.transfer_syntax is None
    np.testing.assert_allclose(read.pixels, FULL, atol=1e-6)


def test_a_file_without_its_preamble_alone_is_recognised(tmp_path: Path) -> None:
    whole = dicom(RAMP12)
    assert whole[128:132] == b"DICM"
    np.testing.assert_array_equal(pixels_of(whole[128:]), pixels_of(whole))
    (tmp_path / "a.dcm").write_bytes(whole[128:])
    assert image_size(tmp_path / "a.dcm") == (SIDE, SIDE)


def test_a_big_endian_palette_is_the_little_endian_one() -> None:
    little, big = (pixels_of(shipped(f"OBXXXX1A{end}.dcm").read_bytes()) for end in ("", "_expb"))
    np.testing.assert_array_equal(little, big)


def test_a_jpeg_that_takes_gdcm_down_is_refused() -> None:
    film = bytearray(shipped("SC_rgb_jpeg_gdcm.dcm").read_bytes())
    film[film.index(b"\xff\xc3") + 4] = 77  # bits a sample: a segmentation fault in GDCM 3.2.6
    with pytest.raises(UnreadableImage, match="its JPEG picture cannot be decoded"):
        read_radiograph(bytes(film))


# Presentation.


def test_monochrome1_is_the_mirror_of_monochrome2() -> None:
    ramp1 = pixels_of(dicom(RAMP12, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_allclose(ramp1, pixels_of(dicom(RAMP12))[::-1, ::-1], atol=1e-6)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_an_inverse_presentation_shape_inverts_once(photometric: str) -> None:
    film = dicom(RAMP12, PresentationLUTShape="INVERSE", PhotometricInterpretation=photometric)
    np.testing.assert_allclose(pixels_of(film), 1 - FULL, atol=1e-6)


def test_a_linear_window_by_hand() -> None:
    # PS3.3 C.11.2.1.2.1 with c = 40, w = 81: (x - 39.5) / 80 + 0.5, so 0 at -0.5 and 1 at 79.5.
    pixels = pixels_of(dicom(RAMP12, WindowCenter=40, WindowWidth=81)).ravel()
    assert pixels[[0, 20, 40, 79, 80]] == pytest.approx([0.00625, 0.25625, 0.50625, 0.99375, 1])


def test_an_exact_window_by_hand() -> None:
    window = {"WindowCenter": 60, "WindowWidth": 40, "VOILUTFunction": "LINEAR_EXACT"}
    pixels = pixels_of(dicom(RAMP12, **window)).ravel()
    assert pixels[[39, 40, 50, 60, 80, 81]] == pytest.approx([0, 0, 0.25, 0.5, 1, 1])


def test_a_sigmoid_window_by_hand() -> None:
    window = {"WindowCenter": 100, "WindowWidth": 40, "VOILUTFunction": "SIGMOID"}
    pixels = pixels_of(dicom(RAMP12, **window)).ravel()
    assert pixels[[90, 100, 110]] == pytest.approx(
        [0.26894, 0.5, 0.73106], abs=1e-5
    )  # 1/(1+e), 1/(1+1/e)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_agree_with_pydicom_after_rescaling(function: str) -> None:
    film = dataset(
        (RAMP12.astype(np.int16) - 2000),
        RescaleSlope=0.5, RescaleIntercept=-24,
        WindowCenter=[40, 7], WindowWidth=[400, 70], VOILUTFunction=function,
    )  # fmt: skip
    theirs = apply_voi_lut(apply_modality_lut(film.pixel_array, film), film)
    lowest, highest = -(2**15) * 0.5 - 24, (2**15 - 1) * 0.5 - 24
    expected = (theirs - lowest) / (highest - lowest)
    np.testing.assert_allclose(pixels_of(written(film)), expected, atol=2e-5)


@pytest.mark.parametrize("window", [(40, 0), (40, -5), (-500, 10), (9000, 10), ("nan", 10)])
def test_a_window_that_shows_nothing_falls_back_to_the_full_range(window: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom rightly warns of writing such a number
        film = dicom(RAMP12, WindowCenter=window[0], WindowWidth=window[1])
    np.testing.assert_allclose(pixels_of(film), FULL, atol=1e-6)


def lookup(first: int, entries: list[int], bits: int) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries), first, bits])
    item.add_new("LUTData", "US", entries)
    return item


def test_a_voi_table_by_hand() -> None:
    table = lookup(10, [0, 51, 255], 8)  # 10 -> 0, 11 -> 51, 12 -> 255, and its ends beyond
    pixels = pixels_of(dicom(RAMP12, VOILUTSequence=[table])).ravel()
    assert pixels[[0, 10, 11, 12, 13, 4095]] == pytest.approx([0, 0, 0.2, 1, 1, 1])


def test_a_modality_table_comes_before_the_window() -> None:
    table = lookup(0, [100, 0, 50], 16)
    pixels = pixels_of(dicom(RAMP12, ModalityLUTSequence=[table])).ravel()
    assert pixels[:4] == pytest.approx([1, 0, 0.5, 0.5])


def test_overlay_bits_above_bits_stored_are_ignored() -> None:
    dirty = RAMP12 | np.uint16(0xA000)
    film = dicom(dirty, BitsStored=12, HighBit=11)
    np.testing.assert_allclose(pixels_of(film), FULL, atol=1e-6)


def test_signed_12_bits_keep_their_sign() -> None:
    signed = RAMP12.astype(np.int16) - 2048
    film = dicom(signed & 0x0FFF, BitsStored=12, HighBit=11, PixelRepresentation=1)
    np.testing.assert_allclose(pixels_of(film), FULL, atol=1e-6)


def test_rgb_secondary_captures_become_luma() -> None:
    red = np.zeros((SIDE, SIDE, 3), np.uint8)
    red[..., 0] = 255
    film = read_radiograph(dicom(red))
    assert film.facts.colour
    assert film.pixels == pytest.approx(0.299)


def paletted(indices: np.ndarray, tables: list[np.ndarray]) -> bytes:
    """Indices uint8 (H, W) into tables of 256 entries of 16 bits, one a channel."""
    film = dataset(indices, PhotometricInterpretation="PALETTE COLOR")
    for channel, table in zip(("Red", "Green", "Blue"), tables, strict=True):
        film.add_new(f"{channel}PaletteColorLookupTableDescriptor", "US", [256, 0, 16])
        film.add_new(f"{channel}PaletteColorLookupTableData", "OW", table.astype("<u2").tobytes())
    return written(film)


def test_palette_secondary_captures_are_looked_up() -> None:
    falling = np.arange(256)[::-1] * 257
    read = read_radiograph(paletted(RAMP8, [falling] * 3))
    assert not read.facts.colour
    np.testing.assert_allclose(read.pixels, 1 - RAMP8 / 255, atol=1e-6)


def test_a_palette_of_colours_becomes_luma() -> None:
    rising, none = np.arange(256) * 257, np.zeros(256)
    read = read_radiograph(paletted(RAMP8, [rising, none, none]))
    assert read.facts.colour
    np.testing.assert_allclose(read.pixels, 0.299 * RAMP8 / 255, atol=1e-6)


def test_a_large_palette_film_takes_little_more_than_its_grey() -> None:
    indices = np.tile(RAMP8, (32, 32))
    film = paletted(indices, [np.arange(256) * 257] * 3)
    read_radiograph(film)  # what is imported or kept once
    tracemalloc.start()
    try:
        read_radiograph(film)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    grey = 4 * indices.size
    assert peak < 2 * grey + 20e6, "all its colours at once are twelve bytes a pixel more"


# Facts.


def test_facts_of_a_dicom_film() -> None:
    film = dicom(
        RAMP12, BitsStored=12, HighBit=11, BodyPartExamined="CHEST", ViewPosition="AP",
        PatientAge="018M", ImagerPixelSpacing=[0.2, 0.199], WindowCenter=[2048, 300],
        WindowWidth=[4096, 100], WindowCenterWidthExplanation=["LUNG", "BONE"],
    )  # fmt: skip
    facts = read_radiograph(film).facts
    assert (facts.format, facts.modality, facts.body_part) == ("DICOM", "DX", "CHEST")
    assert (facts.view_position, facts.age_years, facts.bits) == ("AP", 1.5, 12)
    assert facts.pixel_spacing_mm == (0.2, 0.199)
    assert facts.windows == (
        Window(2048, 4096, "LUNG", "linear"),
        Window(300, 100, "BONE", "linear"),
    )


@pytest.mark.parametrize(
    ("age", "years"), [("045Y", 45), ("018M", 1.5), ("006W", 42 / 365.25), ("010D", 10 / 365.25)]
)
def test_ages_in_every_unit(age: str, years: float) -> None:
    assert read_radiograph(dicom(RAMP12, PatientAge=age)).facts.age_years == pytest.approx(years)


def test_nothing_of_the_person_is_kept() -> None:
    person = {"PatientName": "Roentgen^W", "PatientID": "4711", "PatientBirthDate": "18450327"}
    told = repr(read_radiograph(dicom(RAMP12, **person), name="film"))
    assert not any(value in told for value in person.values())
    assert read_radiograph(dicom(RAMP12, **person)).facts.age_years is None


# Files of others.


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_file_is_read_or_refused(path: Path) -> None:
    try:
        film = read_radiograph(path)
    except UnreadableImage as refusal:
        assert refusal.file == path.name
    else:
        assert film.pixels.shape == (film.facts.height, film.facts.width)
        assert 0 <= film.pixels.min() <= film.pixels.max() <= 1


def test_most_shipped_pictures_are_read() -> None:
    def is_read(path: Path) -> bool:
        try:
            return bool(read_radiograph(path))
        except UnreadableImage:
            return False

    assert sum(map(is_read, SHIPPED)) >= 85


def test_the_real_chest_film() -> None:
    facts = read_radiograph(shipped("RG1_UNCR.dcm")).facts
    assert (facts.modality, facts.body_part, facts.view_position) == ("CR", "CHEST", "PA")
    assert (facts.width, facts.height, facts.photometric) == (1841, 1955, "MONOCHROME1")


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    odd = dicom(RAMP12, PatientAge="45", WindowCenter=[1, 2], WindowWidth=9) + b"\0" * 3
    for data in (odd, shipped("J2K_pixelrep_mismatch.dcm"), shipped("SC_rgb_jpeg.dcm")):
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            read_radiograph(data)
    assert capfd.readouterr() == ("", "")


def test_a_jpeg_shown_by_pillow_is_the_jpeg_inside_a_film() -> None:
    grey = np.tile(np.arange(SIDE, dtype=np.uint8), (SIDE, 1))
    jpeg = encoded(grey, "JPEG")
    film = dataset(grey, WindowCenter=128, WindowWidth=256)
    film.PixelData = encapsulate([jpeg])
    film["PixelData"].VR = "OB"
    film.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    shown = np.asarray(Image.open(BytesIO(jpeg))) / 255
    np.testing.assert_allclose(pixels_of(written(film)), shown, atol=1e-6)
