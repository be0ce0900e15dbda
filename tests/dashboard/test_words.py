"""What pages write."""

import math

import pytest

from pneumo_core.dashboard import plain
from pneumo_core.dashboard.words import count_text, estimate_text
from pneumo_core.metrics import Estimate


def test_plain_text_has_no_markdown_left() -> None:
    assert plain("![x](http://a) *b*") == r"\!\[x\]\(http\://a\) \*b\*"


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.9512, 0.9328, 0.9659), "0.951 (0.933–0.966)"),
        (Estimate(1.0, math.nan, math.nan), "1.000"),
        (Estimate(math.nan, math.nan, math.nan), "not known"),
    ],
)
def test_an_estimate_comes_with_its_interval(estimate: Estimate, text: str) -> None:
    assert estimate_text(estimate) == text


def test_a_batch_is_counted_by_how_it_went() -> None:
    assert count_text(["read", "failed", "read"]) == "3 films: 2 read, 1 failed"
    assert count_text(["refused"]) == "1 film: 1 refused"
