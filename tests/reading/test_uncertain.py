"""The uncertain band: what is said of it is exactly true."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumo_core.checkpoints import OperatingPoint
from pneumo_core.metrics import Estimate
from pneumo_core.reading import Reading, band_text, uncertain_band

NONE = Estimate(0.5, 0.4, 0.6)


@pytest.mark.parametrize(
    ("threshold", "band", "text"),
    [
        (0.5, (0.45, 0.55), "between 0.45 and 0.55"),
        (0.3, (0.25, 0.5), "between 0.25 and 0.50"),
        (0.895, (0.5, 0.95), "between 0.50 and 0.95"),  # 0.945, rounded outwards
        (0.0369, (0.01, 0.5), "between 0.01 and 0.50"),  # at most half way to 0
        (0.004, (0.002, 0.5), "between 0.002 and 0.50"),
        (0.0, (0.0, 0.5), "below 0.50"),
        (1.0, (0.5, 1.0), "0.50 or higher"),
    ],
)
def test_the_band_by_hand(threshold: float, band: tuple[float, float], text: str) -> None:
    assert uncertain_band(threshold) == pytest.approx(band)
    assert band_text(*uncertain_band(threshold)) == text


@given(st.floats(0, 1), st.floats(0, 1))
def test_the_threshold_and_a_half_lie_in_it_and_clear_results_outside(
    threshold: float, probability: float
) -> None:
    low, high = uncertain_band(threshold)
    assert 0 <= low <= min(0.5, threshold) <= max(0.5, threshold) <= high <= 1
    point = OperatingPoint("p", threshold, "", "val", NONE, NONE)
    reading = Reading("a.png", "read", "m", "v", "p", 0.5, probability).at(point)
    assert (reading.level == "uncertain") == (low <= probability < high)
    if reading.level == "likely":
        assert reading.predicted == 1
    if reading.level == "unlikely":
        assert reading.predicted == 0


def test_screening_can_say_that_pneumonia_is_unlikely() -> None:
    """At the default's screening point everything below 0.5 was uncertain, 0.001 too."""
    point = OperatingPoint("screening", 0.0369, "", "val", NONE, NONE)
    reading = Reading("a.png", "read", "m", "v", "p", 0.5, 0.001)
    assert reading.at(point).verdict == "Signs of pneumonia unlikely"
