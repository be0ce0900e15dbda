"""The age in the gateway's rules: stated, or between birth and study."""

from typing import Any

import pytest

from pneumo_core.gateway.ages import with_age
from pneumo_core.imaging import read_radiograph
from tests.gateway.parts import as_bytes, chest, film

PIXELS = chest(64, 0)


def age_of(**header: Any) -> float | None:
    source = as_bytes(film(PIXELS, **header))
    return with_age(read_radiograph(source), source).facts.age_years


def test_a_stated_age_counts() -> None:
    assert age_of(PatientAge="004Y", PatientBirthDate="19500101") == 4


@pytest.mark.parametrize(
    ("birth", "study", "age"), [("20200601", "20240601", 4), ("20240101", "20240701", 0.5)]
)
def test_without_one_it_is_the_age_at_the_study(birth: str, study: str, age: float) -> None:
    told = {"PatientAge": "", "PatientBirthDate": birth, "StudyDate": study}
    assert age_of(**told) == pytest.approx(age, abs=0.01)


@pytest.mark.parametrize("lost", [128, 132], ids=["preamble", "preamble and prefix"])
def test_a_file_that_lost_its_preamble_has_its_age(lost: int) -> None:
    told = {"PatientAge": "", "PatientBirthDate": "20200601", "StudyDate": "20240601"}
    source = as_bytes(film(PIXELS, **told))[lost:]
    facts = with_age(read_radiograph(source), source).facts
    assert facts.age_years == pytest.approx(4, abs=0.01)


@pytest.mark.parametrize(
    ("birth", "study"),
    [("", "20240601"), ("20200601", ""), ("20250601", "20240601"), ("18500101", "20240601")],
    ids=["no birth date", "no study date", "born after it", "too old"],
)
def test_an_impossible_age_is_unknown(birth: str, study: str) -> None:
    dates = dict.fromkeys(("AcquisitionDate", "SeriesDate", "ContentDate"), "")
    told = {"PatientAge": "", "PatientBirthDate": birth, "StudyDate": study}
    assert age_of(**told, **dates) is None
