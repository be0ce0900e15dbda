"""A threshold of the reader's own is judged on validation films alone."""

import math

import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.metrics import wilson_interval
from pneumo_core.reading.threshold import CUSTOM, custom_point


@pytest.mark.parametrize(("threshold", "specificity"), [(0.2, 0.0), (0.25, 0.0), (0.3, 1.0)])
def test_the_rates_are_those_of_the_validation_films(
    checkpoint: Checkpoint, threshold: float, specificity: float
) -> None:
    """The checkpoint has one validation film, a normal one with probability 0.25."""
    point = custom_point(checkpoint, threshold)
    assert (point.name, point.threshold, point.chosen_on) == (CUSTOM, threshold, "val")
    assert point.specificity.value == specificity
    assert (point.specificity.low, point.specificity.high) == wilson_interval(int(specificity), 1)
    assert math.isnan(point.sensitivity.value), "there is no such film"


def test_a_threshold_is_a_probability(checkpoint: Checkpoint) -> None:
    with pytest.raises(ValueError, match=r"1\.5"):
        custom_point(checkpoint, 1.5)
