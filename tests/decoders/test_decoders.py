"""Grey values of generated films are those of independent decoders, within rounding."""

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

from pneumo_core.imaging import read_radiograph, to_input
from tests.decoders.compared import compared
from tests.decoders.made import made
from tests.decoders.theirs import DCMTK
from tests.imaging.images import dataset, dicom, encoded, written
from tests.imaging.test_grey_values import FILM, TWELVE, WINDOW

_COUNT, _AT_ONCE = 200, 25


@pytest.mark.parametrize("start", range(0, _COUNT, _AT_ONCE))
def test_generated_films_agree_with_every_decoder(start: int) -> None:
    for number in range(start, start + _AT_ONCE):
        each = compared(19, number)
        assert not each.off, each
        assert not each.refused or each.refused.endswith("."), each


def test_dcmtk_is_there() -> None:
    if DCMTK is None:
        pytest.skip("DCMTK IS NOT INSTALLED (apt-get install dcmtk): films are compared with "
                    "pydicom and GDCM only")  # fmt: skip
    assert sum("DCMTK" in (compared(19, number).difference or {}) for number in range(25)) > 5


def test_most_films_are_compared_with_more_than_one_decoder() -> None:
    found = [compared(19, number).difference or {} for number in range(25)]
    assert all(found)
    assert sum("GDCM" in each for each in found) > 10


def test_the_same_number_makes_the_same_film() -> None:
    assert written(made(3, 7).film) == written(made(3, 7).film)


# One film in every form.

EIGHT = (FILM >> 4).astype(np.uint8)
SAME8 = {"WindowCenter": 128, "WindowWidth": 256}
SYNTAXES = {JPEG2000Lossless: "pylibjpeg", JPEGLSLossless: "pyjpegls", RLELossless: "pydicom"}


def packed(syntax: str, *, deep: bool) -> bytes:
    film = dataset(FILM, **TWELVE, **WINDOW) if deep else dataset(EIGHT, **SAME8)
    film.compress(syntax, encoding_plugin=SYNTAXES[syntax])
    return written(film)


FORMS = {
    "PNG 8": encoded(EIGHT, "PNG"),
    "PNG 16": encoded(FILM, "PNG"),
    "TIFF 8": encoded(EIGHT, "TIFF"),
    "TIFF 16": encoded(FILM, "TIFF"),
    "WebP": encoded(Image.fromarray(EIGHT).convert("RGB"), "WebP", lossless=True),
    "MONOCHROME2": dicom(FILM, **TWELVE, **WINDOW),
    "MONOCHROME1": dicom(4095 - FILM, PhotometricInterpretation="MONOCHROME1", **TWELVE, **WINDOW),
    "8-bit DICOM": dicom(EIGHT, **SAME8),
    **{f"{syntax} {deep}": packed(syntax, deep=deep) for syntax in SYNTAXES for deep in (0, 1)},
}


@pytest.mark.parametrize("form", FORMS)
def test_one_film_is_the_same_in_every_form(form: str) -> None:
    told = to_input((FILM / np.float32(4095)), 224).astype(int)
    seen = to_input(read_radiograph(FORMS[form]).pixels, 224).astype(int)
    # 8 bits round twice, once by the form and once by the input
    assert np.abs(seen - told).max() <= 1
    assert abs((seen - told).mean()) <= 0.5
