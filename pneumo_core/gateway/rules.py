"""Rules: which X-rays are read, and which results are sent where."""

import re
from dataclasses import replace

from pneumo_core.gateway.config import Destination, ReadingRules
from pneumo_core.imaging import FileFacts
from pneumo_core.reading import Reading

__all__ = ["age_warning", "leave_alone", "trained_ages", "wants", "with_warning"]

_AGES = re.compile(r"(\d+) to (\d+) years")


def trained_ages(trained_on: str) -> tuple[float, float] | None:
    """Return the ages that a model's card names ("children of 1 to 5 years"), or None."""
    found = _AGES.search(trained_on)
    return (float(found[1]), float(found[2])) if found else None


def leave_alone(facts: FileFacts, rules: ReadingRules, ages: tuple[float, float] | None) -> str:
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
    return (
        f"The patient's age is outside {_words(ages)}, and this gateway is set not to read such "
        "X-rays."
    )


def age_warning(facts: FileFacts, rules: ReadingRules, ages: tuple[float, float] | None) -> str:
    """Return the sentence that marks a result for the patient's age; "" if there is none."""
    unknown = facts.age_years is None
    rule = rules.unknown_age if unknown else rules.outside_ages
    if rule != "mark" or not _outside(facts, ages):
        return ""
    if unknown:
        return f"The file does not give the patient's age; this model is for {_words(ages)}."
    return f"The patient's age is outside {_words(ages)}, the ages that this model was trained on."


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


def _outside(facts: FileFacts, ages: tuple[float, float] | None) -> bool:
    """Return whether an age is outside, or unknown. 5 years lasts until the sixth birthday."""
    if ages is None:
        return False
    age = facts.age_years
    return age is None or not ages[0] <= age < ages[1] + 1


def _words(ages: tuple[float, float] | None) -> str:
    return f"{ages[0]:g} to {ages[1]:g} years" if ages else "any age"
