"""What pages write."""

import math

import pytest

from pneumo_core.dashboard import plain
from pneumo_core.dashboard.words import (
    agreement,
    agreement_text,
    count_text,
    percent_text,
    time_left_text,
)
from pneumo_core.reading import Reading


def test_plain_text_has_no_markdown_left() -> None:
    assert plain("![x](http://a) *b*") == r"\!\[x\]\(http\://a\) \*b\*"


def test_a_batch_is_counted_by_how_it_went() -> None:
    assert count_text(["read", "failed", "read"]) == "3 films: 2 read, 1 failed"
    assert count_text(["refused"]) == "1 film: 1 refused"


def said(model: str, probability: float | None, label: int | None) -> Reading:
    status = "failed" if label is None else "read"
    return Reading("f", status, model, "v", "balanced", 0.5, probability, label)


def test_models_that_agree_are_told_from_models_that_do_not() -> None:
    likely, sure, unlikely = said("a", 0.9, 1), said("b", 0.95, 1), said("c", 0.1, 0)
    assert agreement_text([likely, sure]) == "Both models call this film PNEUMONIA."
    assert agreement_text([unlikely] * 3) == "All 3 models call this film NORMAL."
    assert agreement_text([likely, sure, unlikely]) == (
        "The models disagree: a and b call this film PNEUMONIA, c calls it NORMAL."
    )
    assert agreement([likely, sure, unlikely]) == "2 of 3"


def test_agreement_of_uncertain_models_is_not_told_as_certain() -> None:
    near, sure = said("a", 0.48, 0), said("b", 0.1, 0)
    assert agreement_text([near, near]).endswith("Each is uncertain: close to its operating point.")
    assert agreement_text([near, sure]).endswith("Uncertain, close to the operating point: a.")


def test_one_model_agrees_with_nobody() -> None:
    assert agreement_text([said("a", 0.9, 1), said("b", None, None)]) == ""
    assert agreement([said("a", 0.9, 1)]) == ""


@pytest.mark.parametrize(
    ("done", "total", "seconds", "text"),
    [
        (0, 200, 0.0, "0 of 200"),
        (50, 200, 5.0, "50 of 200, about 15 s left (10.0 a second)"),
        (10, 200, 100.0, "10 of 200, about 32 min left (0.1 a second)"),
    ],
)
def test_the_time_left_follows_the_pace(done: int, total: int, seconds: float, text: str) -> None:
    assert time_left_text(done, total, seconds) == text


def test_a_share_that_nobody_knows_is_no_number() -> None:
    assert percent_text(0.1234) == "12.3 %"
    assert percent_text(math.nan) == "not known"
