"""Rules: which X-rays are read, and which results are sent where."""

from dataclasses import replace

from pneumo_core.errors import UnreadableImage
from pneumo_core.gate.trained_ages import Ages, trained_ages
from pneumo_core.gateway.config import Destination, ReadingRules
from pneumo_core.imaging import FileFacts, Radiograph
from pneumo_core.reading import Reader, Reading

__all__ = [
    "age_mark",
    "leave_alone",
    "read_by_rules",
    "wants",
    "with_warning",
]


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
    return with_warning(reading, age_mark(facts, rules, ages))


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


def age_mark(facts: FileFacts, rules: ReadingRules, ages: Ages | None) -> str:
    """Return the sentence that marks a result for the patient's age; "" if there is none.

    Without ages of the operator's own, the image check has warned of a known age.
    """
    unknown = facts.age_years is None
    if not unknown and not rules.ages:
        return ""
    rule = rules.unknown_age if unknown else rules.outside_ages
    if rule != "mark" or not _outside(facts, ages):
        return ""
    if unknown:
        return f"The file does not give the patient's age; this model is for {ages}."
    return f"The patient's age is outside {ages}, the ages that this gateway is set to read."


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
