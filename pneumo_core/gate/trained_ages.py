"""The ages of the patients that a model was trained on, as its card names them."""

import re
from typing import NamedTuple

__all__ = ["Ages", "age_warning", "says_age", "trained_ages"]

_RANGE = r"(?<![\d.])(\d{1,3}) to (\d{1,3})\b"
_WITH_UNIT = re.compile(_RANGE + r"[ -](year|month)")
_WITHOUT = re.compile(r"\b(?:of|aged?|ages) " + _RANGE + r"(?![.]\d|[ -](?:day|week|year|month))")
_YOUNG = re.compile(r"child|infant|newborn|neonat|p(?:a)?ediatric", re.IGNORECASE)
_ADULT = 18.0
_SAID = re.compile(r"^The patient is \d+ (?:years?|months?) old;")


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


def age_warning(age: float | None, trained_on: str) -> str:
    """Return a sentence if a patient is older or younger than a model's; "" otherwise.

    ``age``: in years, None if unknown. ``trained_on``: the patients that its card names. Where it
    names children without their ages, adults are outside.
    """
    if age is None:
        return ""
    ages = trained_ages(trained_on)
    inside = ages.has(age) if ages else age < _ADULT or not _YOUNG.search(trained_on)
    if inside:
        return ""
    old = _count(int(age), "year") if age >= 2 else _count(int(12 * age), "month")
    return f"The patient is {old} old; this model was trained on X-rays of {trained_on}."


def says_age(sentence: str) -> bool:
    """Return whether a warning is one of ``age_warning``, which tells the patient's age."""
    return _SAID.match(sentence) is not None


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
