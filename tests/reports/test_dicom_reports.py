"""Structured report, presentation state and encapsulated PDF, against dciodvfy."""

import shutil
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pydicom
import pytest

from pneumo_core.errors import PneumoError
from pneumo_core.reports import (
    Result,
    to_dicom,
    to_dicom_pdf,
    to_presentation_state,
    to_structured_report,
)
from tests.gateway.parts import ACCESSION, PATIENT_ID, as_bytes, chest, film
from tests.reports.conftest import COLOURS, Make

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


def test_a_film_without_a_heat_map_has_no_outline(make: Make) -> None:
    source = as_bytes(film(chest(128)))
    with pytest.raises(PneumoError, match="no heat map"):
        to_presentation_state(make(source, name="film.dcm", overlay=None), source)
