"""What leaves of a film that was rotated before it was read shows it upright, and says so."""

import json
from io import BytesIO

import numpy as np
import pydicom
import pypdfium2
import pytest

from pneumo_core.imaging import Radiograph, read_radiograph
from pneumo_core.imaging.orientation import turned_radiograph
from pneumo_core.reports import to_csv, to_dicom, to_json, to_pdf
from tests.imaging.images import dicom
from tests.reports.conftest import Make

LYING = np.tile(np.arange(128, dtype=np.uint8), (96, 1))
"""uint8 (96, 128): dark on the left. A turn to the left puts the dark side below."""


def source(**elements: object) -> bytes:
    return dicom(LYING, WindowCenter=64, WindowWidth=128, **elements)


def upright(data: bytes) -> Radiograph:
    return turned_radiograph(read_radiograph(data, name="x.dcm"), 1)


@pytest.mark.parametrize("deidentify", [True, False])
def test_the_dicom_image_is_upright_and_says_how(make: Make, deidentify: bool) -> None:
    data = source(PatientOrientation=["H", "L"], PatientID="7", StudyInstanceUID="1.2.3")
    result = make(upright(data), deidentify=deidentify, rotated=1, overlay=None)
    made = pydicom.dcmread(BytesIO(to_dicom(result, data)))
    # Rows ran to the head and columns to the left side: now rows to the left, columns to the feet.
    assert list(made.PatientOrientation) == ["L", "F"]
    grey = made.pixel_array[..., 0]
    assert made.Rows > made.Columns * 128 / 96 - 1
    assert grey[0].mean() > grey[made.Columns * 128 // 96 - 8].mean(), "dark below"
    assert "rotated by 90 degrees to the left" in made.DerivationDescription
    assert "rotated_left_degrees=90" in made.ImageComments


def test_an_orientation_that_the_picture_contradicts_is_left_empty(make: Make) -> None:
    data = source(PatientOrientation=["L", "F"])
    made = pydicom.dcmread(BytesIO(to_dicom(make(upright(data), rotated=1), data)))
    assert not made.PatientOrientation


def test_json_csv_and_pdf_say_how(make: Make) -> None:
    result = make(upright(source()), rotated=1)
    told = json.loads(to_json(result))
    assert told["rotated_left_degrees"] == 90
    assert (told["film"]["width"], told["film"]["height"]) == (96, 128)
    assert ",90," in to_csv([result.reading])
    words = pypdfium2.PdfDocument(to_pdf(result))[0].get_textpage().get_text_bounded()
    assert "rotated by 90° to the left" in words
    assert json.loads(to_json(make()))["rotated_left_degrees"] == 0
