"""Rules: which X-rays are read, and which results are sent where."""

import re
from dataclasses import replace
from typing import NamedTuple

from pneumo_core.errors import UnreadableImage
from pneumo_core.gateway.config import Destination, ReadingRules
from pneumo_core.imaging import FileFacts, Radiograph
from pneumo_core.reading import Reader, Reading

__all__ = [
    "Ages",
    "age_warning",
    "leave_alone",
    "read_by_rules",
    "trained_ages",
    "wants",
    "with_warning",
]

_RANGE = r"(?<![\d.])(\d{1,3}) to (\d{1,3})\b"
_WITH_UNIT = re.compile(_RANGE + r"[ -](year|month)")
_WITHOUT = re.compile(r"\b(?:of|aged?|ages) " + _RANGE + r"(?![.]\d|[ -](?:day|week|year|month))")


class Ages(NamedTuple):
    """A range of ages in years. ``lasts``: how long the oldest one lasts, a year or a month."""

    youngest: float
    oldest: float
    lasts: float = 1.0

    def __str__(self) -> str:
        if self.lasts < 1:
            return f"{self.youngest * 12:g} to {self.oldest * 12:g} months"
        return f"{self.youngest:g} to {self.oldest:g} years"

    def has(self, age: float) -> bool:
        """Return whether an age is inside: 5 years last until the sixth birthday."""
        return self.youngest <= age < self.oldest + self.lasts


def trained_ages(trained_on: str) -> Ages | None:
    """Return the ages that a model's card names ("children of 1 to 5 years"), or None.

    Without a unit they are years.
    """
    found = _WITH_UNIT.search(trained_on)
    if found and found[3] == "month":
        return Ages(int(found[1]) / 12, int(found[2]) / 12, 1 / 12)
    found = found or _WITHOUT.search(trained_on)
    return Ages(int(found[1]), int(found[2])) if found else None


def read_by_rules(reader: Reader, radiograph: Radiograph, rules: ReadingRules) -> Reading:
    """Read an X-ray, unless the operator's rules leave it unread; mark its result as they say.

    The rules are for DICOM files: a picture has no header that could give age or view.
    """
    facts = radiograph.facts
    if facts.format != "DICOM":
        return reader.read(radiograph)
    trained_on = reader.checkpoint.card.trained_on
    ages = Ages(*rules.ages) if rules.ages else trained_ages(trained_on)
    why = leave_alone(facts, rules, ages)
    if why:
        left = reader.failed(UnreadableImage(radiograph.name, "", ""))
        return replace(left, status="refused", reasons=(why,))
    reading = reader.read(radiograph)
    if reading.probability is None:
        return reading
    return with_warning(reading, age_warning(facts, rules, ages))


def leave_alone(facts: FileFacts, rules: ReadingRules, ages: Ages | None) -> str:
    """Return why the operator's rules leave an X-ray unread, a sentence; "" if they don't."""
    view = (facts.view_position or "").upper()
    if rules.views and view not in {each.upper() for each in rules.views}:
        return f"The view ({view or 'not given'}) is not among those that this gateway reads."
    unknown = facts.age_years is None
    rule = rules.unknown_age if unknown else rules.outside_ages
    if rule != "leave" or not _outside(facts, ages):
        return ""
    if unknown:
        return (
            "The file does not give the patient's age, and this gateway is set not to read such "
            "X-rays."
        )
    return f"The patient's age is outside {ages}, and this gateway is set not to read such X-rays."


def age_warning(facts: FileFacts, rules: ReadingRules, ages: Ages | None) -> str:
    """Return the sentence that marks a result for the patient's age; "" if there is none."""
    unknown = facts.age_years is None
    rule = rules.unknown_age if unknown else rules.outside_ages
    if rule != "mark" or not _outside(facts, ages):
        return ""
    if unknown:
        return f"The file does not give the patient's age; this model is for {ages}."
    return f"The patient's age is outside {ages}, the ages that this model was trained on."


def with_warning(reading: Reading, sentence: str) -> Reading:
    """Return the reading with one more warning."""
    if not sentence or sentence in reading.warnings:
        return reading
    return replace(reading, warnings=(*reading.warnings, sentence))


def wants(destination: Destination, modality: str, sender: str, level: str | None) -> bool:
    """Return whether an X-ray's results go to a destination; ``level`` None: it was refused."""
    if destination.modalities and modality not in destination.modalities:
        return False
    if destination.senders and sender not in destination.senders:
        return False
    return not destination.levels or level in destination.levels


def _outside(facts: FileFacts, ages: Ages | None) -> bool:
    """Return whether an age is outside, or unknown."""
    if ages is None:
        return False
    return facts.age_years is None or not ages.has(facts.age_years)
