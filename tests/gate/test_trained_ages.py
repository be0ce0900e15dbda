"""The ages in a model's card, and the warning about other patients."""

import pytest

from pneumo_core.gate.trained_ages import Ages, age_warning, says_age, trained_ages

CHILDREN = "children of 1 to 5 years"


@pytest.mark.parametrize(
    ("words", "ages"),
    [
        ("children of 1 to 5", Ages(1, 5)),
        ("children of 1 to 5, Guangzhou", Ages(1, 5)),
        ("patients aged 2 to 12-year-old", Ages(2, 12)),
        ("infants of 0 to 12 months", Ages(0, 1, 1 / 12)),
        ("newborns of 0 to 28 days", None),
        ("X-rays of 2010 to 2015", None),
        ("X-rays from 2 to 3 hospitals", None),
        ("", None),
    ],
)
def test_ages_in_a_model_card_are_understood(words: str, ages: Ages | None) -> None:
    assert trained_ages(words) == ages


@pytest.mark.parametrize(
    ("age", "old"),
    [
        (0.1, "1 month"),
        (0.95, "11 months"),
        (1.0, ""),
        (5.99, ""),
        (6.0, "6 years"),
        (17.9, "17 years"),
        (70.0, "70 years"),
        (None, ""),
    ],
)
def test_patients_of_other_ages_are_warned_of(age: float | None, old: str) -> None:
    said = age_warning(age, CHILDREN)
    assert said == (
        f"The patient is {old} old; this model was trained on X-rays of {CHILDREN}." if old else ""
    )
    assert says_age(said) == bool(old)


@pytest.mark.parametrize(
    ("trained_on", "age", "warned"),
    [
        ("children", 17.0, False),
        ("children", 18.0, True),
        ("Paediatric patients, two hospitals", 40.0, True),
        ("adults of 18 to 99 years", 40.0, False),
        ("adults of 18 to 99 years", 4.0, True),
        ("patients of two hospitals", 40.0, False),
        ("", 70.0, False),
    ],
)
def test_the_card_decides_who_is_outside(trained_on: str, age: float, warned: bool) -> None:
    assert bool(age_warning(age, trained_on)) is warned
