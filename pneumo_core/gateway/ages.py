"""The patient's age, from the header of an X-ray that does not state it."""

from dataclasses import replace
from datetime import date, datetime
from io import BytesIO

import pydicom
from pydicom.dataset import Dataset

from pneumo_core.imaging import Radiograph
from pneumo_core.imaging.formats.dicom_facts import OLDEST_YEARS
from pneumo_core.imaging.signature import with_preamble

__all__ = ["with_age"]

_BIRTH = "PatientBirthDate"
_TAKEN = ("StudyDate", "AcquisitionDate", "SeriesDate", "ContentDate")
_YEAR = 365.25


def with_age(radiograph: Radiograph, source: bytes) -> Radiograph:
    """Return the X-ray with the age between birth and study, unless its header states the age.

    Reading never parses a birth date; the gateway, which files results under the patient, does, and
    keeps only the age. ``source``: the DICOM file. An age that is impossible counts as unknown.
    """
    if radiograph.facts.age_years is not None:
        return radiograph
    age = _age_years(source)
    if age is None:
        return radiograph
    return replace(radiograph, facts=replace(radiograph.facts, age_years=age))


def _age_years(source: bytes) -> float | None:
    tags = [_BIRTH, *_TAKEN]
    # pydicom's parsers promise no common error, and here each means that the age is unknown.
    try:
        header = pydicom.dcmread(
            BytesIO(with_preamble(source)), stop_before_pixels=True, specific_tags=tags
        )
        born = _day(header, _BIRTH)
        taken = next(filter(None, (_day(header, keyword) for keyword in _TAKEN)), None)
    except Exception:  # noqa: BLE001
        return None
    if born is None or taken is None:
        return None
    age = (taken - born).days / _YEAR
    return age if 0 <= age <= OLDEST_YEARS else None


def _day(header: Dataset, keyword: str) -> date | None:
    try:
        return datetime.strptime(str(header.get(keyword) or "").strip(), "%Y%m%d").date()
    except ValueError:
        return None
