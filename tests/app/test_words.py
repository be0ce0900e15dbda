"""What pages write."""

import pytest

from pneumo_core.app import plain
from pneumo_core.app.words import agreement_text, count_text, disagree, tally, time_left_text
from pneumo_core.reading import Reading


def test_plain_text_has_no_markdown_left() -> None:
    assert plain("![x](http://a) *b*") == r"\!\[x\]\(http\://a\) \*b\*"


def test_a_batch_is_counted_by_how_it_went() -> None:
    assert count_text(["read", "failed", "read"]) == "3 X-rays: 2 read, 1 failed"
    assert count_text(["refused"]) == "1 X-ray: 1 refused"


def said(model: str, probability: float | None) -> Reading:
    """At a threshold of 0.5, so that 0.45 to 0.55 is uncertain."""
    status = "failed" if probability is None else "read"
    predicted = None if probability is None else int(probability >= 0.5)
    return Reading("f", status, model, "v", "balanced", 0.5, probability, predicted)


def test_models_are_counted_by_what_they_say() -> None:
    likely, sure, unlikely = said("a", 0.9), said("b", 0.95), said("c", 0.1)
    near = said("d", 0.48)
    assert tally([likely, sure, near, unlikely]) == "2 likely, 1 uncertain, 1 unlikely"
    assert agreement_text([likely, sure]) == "Both models: likely."
    assert agreement_text([unlikely] * 3) == "All 3 models: unlikely."
    assert agreement_text([likely, sure, unlikely]) == (
        "The models disagree: 2 likely, 1 unlikely."
    )


def test_an_uncertain_model_disagrees_with_nobody() -> None:
    near, unlikely, likely = said("a", 0.52), said("b", 0.1), said("c", 0.9)
    assert agreement_text([near, unlikely]) == "The models: 1 uncertain, 1 unlikely."
    assert agreement_text([near, near]) == "Both models: uncertain."
    assert not disagree([near, unlikely])
    assert not disagree([near, likely])
    assert disagree([near, likely, unlikely])


def test_one_model_agrees_with_nobody() -> None:
    assert agreement_text([said("a", 0.9), said("b", None)]) == ""
    assert tally([said("a", 0.9)]) == ""


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
