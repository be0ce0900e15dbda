"""Structured report, presentation state and encapsulated PDF, against dciodvfy."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pydicom
import pytest

from pneumo_core.errors import PneumoError
from pneumo_core.reports import (
    Overlay,
    Result,
    to_dicom,
    to_dicom_pdf,
    to_json,
    to_presentation_state,
    to_structured_report,
)
from tests.gateway.parts import ACCESSION, PATIENT_ID, as_bytes, chest, film
from tests.reports.conftest import COLOURS, MOSTLY_OUTSIDE, NO_LUNGS, Make

DCIODVFY = shutil.which("dciodvfy")
MAKERS = {"SR": to_structured_report, "PR": to_presentation_state, "DOC": to_dicom_pdf}


@pytest.mark.skipif(not DCIODVFY, reason="dciodvfy is missing: apt-get install dicom3tools")
@pytest.mark.parametrize("deidentify", [True, False], ids=["de-identified", "identified"])
@pytest.mark.parametrize("kind", ["CR", "DX"])
@pytest.mark.parametrize("modality", MAKERS)
def test_no_result_has_an_error(
    make: Make, tmp_path: Path, kind: str, deidentify: bool, modality: str
) -> None:
    source = as_bytes(film(chest(128), kind=kind))
    result = make(source, name="film.dcm", deidentify=deidentify, overlay=COLOURS)
    path = tmp_path / "result.dcm"
    path.write_bytes(MAKERS[modality](result, source))
    done = subprocess.run(
        [str(DCIODVFY), str(path)], capture_output=True, text=True, errors="replace", check=False
    )
    assert not [line for line in done.stderr.splitlines() if line.startswith("Error")]
    assert pydicom.dcmread(path).Modality == modality


@pytest.mark.parametrize("make_it", MAKERS.values(), ids=MAKERS)
def test_the_same_result_gets_the_same_uids_and_joins_the_study(
    make: Make, make_it: Callable[[Result, bytes], bytes]
) -> None:
    made = film(chest(128))
    source = as_bytes(made)
    result = make(source, name="film.dcm", deidentify=False, overlay=COLOURS)
    first, second = (pydicom.dcmread(BytesIO(make_it(result, source))) for _ in range(2))
    assert first.SOPInstanceUID == second.SOPInstanceUID
    assert first.SeriesInstanceUID == second.SeriesInstanceUID
    assert first.StudyInstanceUID == made.StudyInstanceUID
    assert first.PatientID == made.PatientID
    picture = pydicom.dcmread(BytesIO(to_dicom(result, source)))
    assert picture.SOPInstanceUID != first.SOPInstanceUID
    assert picture.SeriesInstanceUID != first.SeriesInstanceUID


@pytest.mark.parametrize("make_it", MAKERS.values(), ids=MAKERS)
def test_de_identified_nothing_of_the_header_is_left(
    make: Make, make_it: Callable[[Result, bytes], bytes]
) -> None:
    made = film(chest(128))
    source = as_bytes(made)
    told = make_it(make(source, name="film.dcm", deidentify=True, overlay=COLOURS), source)
    for secret in ("Quetzalcoatl", PATIENT_ID, ACCESSION, made.StudyInstanceUID, "20210304"):
        assert secret.encode() not in told
    assert made.SOPInstanceUID.encode() not in told


def test_the_report_has_the_probability_and_the_source(make: Make) -> None:
    made = film(chest(128))
    source = as_bytes(made)
    result = make(source, name="film.dcm", deidentify=False)
    report = pydicom.dcmread(BytesIO(to_structured_report(result, source)))
    values = _numbers(report)
    assert values == [pytest.approx(result.reading.probability, abs=1e-6)]
    assert made.SOPInstanceUID in str(report)


def _numbers(item: pydicom.Dataset) -> list[float]:
    own = (
        [float(item.MeasuredValueSequence[0].NumericValue)]
        if item.get("ValueType") == "NUM"
        else []
    )
    return own + [value for each in item.get("ContentSequence", []) for value in _numbers(each)]


def test_a_refused_film_has_no_report(make: Make) -> None:
    source = as_bytes(film(chest(128)))
    refused = make(source, name="film.dcm", status="refused", probability=None)
    with pytest.raises(PneumoError, match="nothing to report"):
        to_structured_report(refused, source)


def test_a_report_has_the_share_of_the_map_inside_the_lungs(make: Make) -> None:
    source = as_bytes(film(chest(128)))
    result = make(source, name="film.dcm", overlay=MOSTLY_OUTSIDE)
    report = pydicom.dcmread(BytesIO(to_structured_report(result, source))).to_json()
    assert "; inside_lungs=0.4123; " in report
    assert "warning: Only 41 % of the heat map lies inside the lungs." in report


@pytest.mark.parametrize(
    ("look", "where"),
    [
        (MOSTLY_OUTSIDE, ", 41 % inside the lungs"),
        (NO_LUNGS, ", no lungs found"),
        (COLOURS, ""),
    ],
    ids=["outside", "no lungs", "not measured"],
)
def test_an_outline_has_the_share_of_the_map_inside_the_lungs(
    make: Make, look: Overlay, where: str
) -> None:
    source = as_bytes(film(chest(128)))
    state = to_presentation_state(make(source, name="film.dcm", overlay=look), source)
    told = pydicom.dcmread(BytesIO(state)).ContentDescription
    assert told == f"Pneumo heat map{where}, research use only"


def test_a_film_without_a_heat_map_has_no_outline(make: Make) -> None:
    source = as_bytes(film(chest(128)))
    with pytest.raises(PneumoError, match="no heat map"):
        to_presentation_state(make(source, name="film.dcm", overlay=None), source)


@pytest.mark.parametrize(
    ("photometric", "inverted", "shape"),
    [
        ("MONOCHROME2", False, "IDENTITY"),
        ("MONOCHROME1", False, "INVERSE"),
        ("MONOCHROME2", True, "INVERSE"),
        ("MONOCHROME1", True, "IDENTITY"),
    ],
)
@pytest.mark.parametrize("deidentify", [True, False])
def test_an_outline_lies_on_the_x_ray_as_it_was_read(
    make: Make, photometric: str, inverted: bool, shape: str, deidentify: bool
) -> None:
    """A presentation state overrides the photometric interpretation of its image."""
    made = film(chest(128))
    made.PhotometricInterpretation = photometric
    source = as_bytes(made)
    result = make(source, name="film.dcm", deidentify=deidentify, overlay=COLOURS)
    reading = replace(result.reading, inverted=inverted)
    result = replace(result, reading=reading, radiograph=reading.as_read(result.radiograph))
    state = pydicom.dcmread(BytesIO(to_presentation_state(result, source)))
    assert state.PresentationLUTShape == shape


def test_codes_of_different_meanings_differ(make: Make) -> None:
    source = as_bytes(film(chest(128)))
    codes = set[str]()
    for point in ("balanced", "screening", "sensitivity at least 0.95"):
        result = make(source, name="film.dcm", overlay=COLOURS)
        result = replace(result, reading=replace(result.reading, operating_point=point))
        report = pydicom.dcmread(BytesIO(to_structured_report(result, source)))
        codes |= {
            str(each.value)
            for each in report.iterall()
            if each.keyword == "CodeValue" and str(each.value).startswith("point-")
        }
    assert len(codes) == 3


AGE = "The patient is 93 years old; this model was trained on X-rays of children of 1 to 5 years."


@pytest.mark.parametrize(
    ("deidentify", "told"), [(True, "not among those"), (False, "is 93 years")]
)
def test_a_structured_report_has_the_warnings_and_no_age_where_nobody_is_named(
    make: Make, deidentify: bool, told: str
) -> None:
    source = as_bytes(film(chest(128)))
    result = make(
        source, name="film.dcm", deidentify=deidentify, overlay=COLOURS, warnings=(AGE, "Odd.")
    )
    for content in (to_structured_report(result, source), to_json(result).encode()):
        assert told.encode() in content
        assert b"Odd." in content
        assert (b"93 years" in content) is not deidentify


def test_pages_that_say_something_else_have_other_uids(make: Make) -> None:
    source = as_bytes(film(chest(128)))
    changes = [{}, {"prevalence": 0.02}, {"prevalence": 0.6}, {"warnings": ("Odd.",)}]
    uids = {
        pydicom.dcmread(
            BytesIO(to_dicom_pdf(make(source, name="film.dcm", **each), source))
        ).SOPInstanceUID
        for each in changes
    }
    assert len(uids) == len(changes)


def test_no_word_of_the_header_is_in_a_de_identified_report(make: Make) -> None:
    source = as_bytes(film(chest(128)))
    warnings = ("Unknown body part in the file's tags (SMITH) JOHN); it is 150 × 100 pixels.",)
    for deidentify in (True, False):
        result = make(
            source, name="film.dcm", deidentify=deidentify, overlay=COLOURS, warnings=warnings
        )
        content = to_structured_report(result, source) + to_json(result).encode()
        assert b"body part in the file's tags" in content
        assert (b"JOHN" in content) is not deidentify
