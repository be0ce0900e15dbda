"""Plain-language summaries of an audit, the same on pages, in the terminal and in reports."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pneumo_core.datasets import LABELS, PNEUMONIA
from pneumo_core.evaluation.shortcuts.comparisons import Separation, Shift, Together, level_of
from pneumo_core.evaluation.shortcuts.properties import Property
from pneumo_core.evaluation.shortcuts.quartiles import ByQuartile

if TYPE_CHECKING:
    from pneumo_core.evaluation.shortcuts.result import Audit

__all__ = [
    "LIMITS",
    "QUARTILES_TITLE",
    "advice",
    "quartile_sentence",
    "separation_sentence",
    "shift_sentence",
    "summary",
]

LIMITS = (
    "A property that predicts the label is not always a shortcut: some change with the disease "
    "itself, and both can be true at once. A property with an AUC near 0.5 may still matter "
    "together with others, and shortcuts that are not listed here are not found. An AUC that "
    "ignores direction is a little above 0.5 by chance: look at the interval."
)
"""A paragraph about the limits of an audit."""

QUARTILES_TITLE = "Shortcuts: errors by framing, size and exposure"
"""The heading of errors by quartile on the page Evaluate, to which reports refer."""

_LABEL_NOUN = ("normal", "pneumonia")
_ORDINAL = ("lowest", "second", "third", "highest")


def summary(found: "Audit") -> list[str]:
    """Summarise the main results in a few sentences, the worst first."""
    sentences = [_together_sentence(each, found) for each in found.together]
    if not sentences:
        return ["No split has X-rays of both labels, so there is nothing to compare."]
    sentences += [shift_sentence(each) for each in _relevant_shifts(found.shifts)]
    if found.unmeasured:
        sentences.append(f"Not measured: {_nouns(found.unmeasured)}.")
    if found.constant:
        sentences.append(
            "The same in every X-ray where it was measured, so the value tells nothing: "
            f"{_nouns(found.constant)}."
        )
    return sentences + list(found.notes)


def separation_sentence(found: Separation) -> str:
    """Describe how well one property predicts the label of one split."""
    prop, (normal, ill) = found.prop, found.medians
    start = _capital(prop.noun)
    if math.isnan(found.auc.value):
        return f"{start}: too few X-rays of each label in {found.split}."
    return (
        f"{start} predicts the label of the {found.split} X-rays with AUC {found.auc}: "
        f"{LABELS[found.higher]} has the higher values (medians: NORMAL {prop.text(normal)}, "
        f"PNEUMONIA {prop.text(ill)})."
    )


def shift_sentence(shift: Shift) -> str:
    """Describe how the X-rays of one label differ between train and another split."""
    prop, (before, now) = shift.prop, shift.medians
    noun = _LABEL_NOUN[shift.label]
    sentence = (
        f"The {shift.split} {noun} X-rays differ from the train {noun} X-rays in {prop.noun}: "
        f"median {prop.text(now)} against {prop.text(before)} (AUC {shift.auc} for distinguishing "
        "the two)."
    )
    if shift.towards is None or shift.towards == shift.label:
        return sentence
    error = "false alarms" if shift.label != PNEUMONIA else "misses"
    other = _LABEL_NOUN[shift.towards]
    return (
        f"{sentence} They look more like the train {other} X-rays, so a model that relies on it "
        f"will make more {error} there."
    )


def quartile_sentence(found: ByQuartile) -> str:
    """Describe how false alarms or misses vary over the quarters of a property."""
    error = "Misses" if found.label == PNEUMONIA else "False alarms"
    rates = [each.rate.value for each in found.quarters]
    first, last, noun = rates[0], rates[-1], found.prop.noun
    chance = "" if found.clear else " The intervals overlap: this may be chance."
    part = "quarter" if len(rates) == 4 else "part"
    if found.spread == 0:
        return f"{error} are as frequent ({first:.0%}) in every {part} of {noun}."
    if {first, last} == {min(rates), max(rates)}:
        verb = "rise" if last > first else "fall"
        return (
            f"{error} {verb} from {first:.0%} to {last:.0%} from the lowest to the highest "
            f"{part} of {noun}.{chance}"
        )
    worst, best = rates.index(max(rates)), rates.index(min(rates))
    return (
        f"{error} are most frequent ({rates[worst]:.0%}) in the {_part(found, worst)} of {noun} "
        f"and least frequent ({rates[best]:.0%}) in the {_part(found, best)}.{chance}"
    )


def advice(prop: Property) -> list[str]:
    """Return what a property means, what to do about it, and how it may be related to disease."""
    sentences = [prop.means, prop.remedy]
    return (
        [*sentences, f"It may partly be disease: {_small(prop.disease)}"]
        if prop.disease
        else sentences
    )


def _together_sentence(together: Together, found: "Audit") -> str:
    if math.isnan(together.auc.value):
        return (
            f"{_capital(together.split)}: too few patients of each label to combine all properties."
        )
    here = [each for each in found.separations if each.split == together.split]
    most = f"; {here[0].prop.noun} alone reaches {here[0].auc}" if here else ""
    level = level_of(together.auc)
    if level == "none":
        return (
            f"{_capital(together.split)}: the label can hardly be predicted without the lungs "
            f"(all properties together: AUC {together.auc})."
        )
    return (
        f"{_capital(together.split)}: the label can be predicted without the lungs. All "
        f"properties together reach AUC {together.auc}{most}."
    )


def _relevant_shifts(shifts: Sequence[Shift]) -> list[Shift]:
    """Return the clearest shift of each split and label, and those that will cause errors."""
    clear = [each for each in shifts if each.level in ("strong", "moderate")]
    seen: set[tuple[str, int]] = set()
    sentences = []
    for each in clear:
        first = (each.split, each.label) not in seen
        seen.add((each.split, each.label))
        if first or (each.towards is not None and each.towards != each.label):
            sentences.append(each)
    return sentences


def _nouns(props: Sequence[Property]) -> str:
    return ", ".join(each.noun for each in props)


def _part(found: ByQuartile, number: int) -> str:
    if len(found.quarters) == 4:
        return f"{_ORDINAL[number]} quarter"
    return f"part {number + 1} of {len(found.quarters)}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]
