"""What a figure is worth elsewhere, worked out by hand, and how figures are written."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumo_core.metrics import (
    Estimate,
    Resampling,
    adjusted_probability,
    format_interval,
    format_rate,
    predictive_estimates,
    predictive_value_estimates,
)

INSIDE = st.floats(0.001, 0.999)


# --- probabilities at another prevalence -------------------------------------------------------


def test_a_probability_at_another_prevalence_by_hand() -> None:
    # Odds 0.549 / 0.451 = 1.2173; odds of a prevalence of 20 % = 0.25; 0.3043 / 1.3043 = 0.2333.
    assert adjusted_probability(0.549, 0.2) == pytest.approx(0.2333, abs=5e-5)
    assert adjusted_probability(0.5, 0.2) == pytest.approx(0.2), "a film that says nothing"
    assert adjusted_probability(0.2333, 0.5, assumed=0.2) == pytest.approx(0.549, abs=5e-5)
    assert adjusted_probability(0.0, 0.2) == 0
    assert adjusted_probability(1.0, 0.2) == 1


@given(INSIDE, INSIDE)
def test_the_way_to_a_prevalence_and_back_changes_nothing(p: float, prevalence: float) -> None:
    there = adjusted_probability(p, prevalence)
    assert adjusted_probability(there, 0.5, assumed=prevalence) == pytest.approx(p)
    assert (there < p) == (prevalence < 0.5) or there == pytest.approx(p)


@pytest.mark.parametrize(
    ("p", "prevalence"), [(1.1, 0.5), (-0.1, 0.5), (0.5, 0), (0.5, 1), (0.5, 20)]
)
def test_what_is_no_share_is_refused(p: float, prevalence: float) -> None:
    with pytest.raises(ValueError, match="prob|prev"):
        adjusted_probability(p, prevalence)


# --- PPV and NPV with intervals ----------------------------------------------------------------


def test_the_logit_intervals_by_hand() -> None:
    """Sensitivity 90 of 100, specificity 80 of 100, prevalence 20 %.

    PPV 0.18 / 0.34; logit ln(0.18 / 0.16) = 0.1178, variance 0.1 / 0.9 / 100 + 0.8 / 0.2 / 100 =
    0.04111, so ±1.96 · 0.2028 = ±0.3974. NPV 0.64 / 0.66; logit ln(0.64 / 0.02) = 3.4657,
    variance 0.9 / 0.1 / 100 + 0.2 / 0.8 / 100 = 0.0925, so ±0.5961.
    """
    ppv, npv = predictive_value_estimates(0.9, 0.8, 0.2, ill=100, healthy=100)
    assert (ppv.value, ppv.low, ppv.high) == pytest.approx((0.5294, 0.4305, 0.6260), abs=5e-5)
    assert (npv.value, npv.low, npv.high) == pytest.approx((0.9697, 0.9463, 0.9831), abs=5e-5)


def test_a_perfect_specificity_is_no_certainty() -> None:
    """162 normal films without a false alarm: at a prevalence of 20 % the PPV may still be 84 %.

    Adjusted: sensitivity (459 + 1.92) / (468 + 3.84) = 0.9769, specificity (162 + 1.92) /
    (162 + 3.84) = 0.98842; logit ln(0.9769 / 0.01158 · 0.25) = 3.0485, variance 0.0231 / 0.9769 /
    471.84 + 0.98842 / 0.01158 / 165.84 = 0.5147, so ±1.4062: 0.8378 at the least.
    """
    ppv, npv = predictive_value_estimates(459 / 468, 1.0, 0.2, ill=468, healthy=162)
    assert (ppv.value, ppv.high) == (1.0, 1.0)
    assert ppv.low == pytest.approx(0.838, abs=2e-3)
    assert 0.98 < npv.low < npv.value < npv.high < 1


@given(st.integers(1, 400), st.integers(1, 400), st.data(), INSIDE)
def test_every_interval_holds_its_figure(
    ill: int, healthy: int, data: st.DataObject, p: float
) -> None:
    found, passed = data.draw(st.integers(0, ill)), data.draw(st.integers(0, healthy))
    both = predictive_value_estimates(found / ill, passed / healthy, p, ill=ill, healthy=healthy)
    for each in both:
        assert 0 <= each.low <= each.high <= 1
        assert math.isnan(each.value) or each.low <= each.value <= each.high


def test_without_films_there_is_no_interval() -> None:
    for each in predictive_value_estimates(0.9, 0.9, 0.5, ill=0, healthy=0):
        assert each.value == pytest.approx(0.9)
        assert math.isnan(each.low)
    unknown = predictive_value_estimates(math.nan, 0.9, 0.5, ill=0, healthy=20)
    assert all(math.isnan(each.value) for each in unknown)
    with pytest.raises(ValueError, match="prevalence"):
        predictive_value_estimates(0.9, 0.9, 20, ill=5, healthy=5)


# --- how they are written ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "number", "percent"),
    [
        (0.9512, "0.951", "95.1 %"),
        (0.5, "0.500", "50.0 %"),
        (1.0, "> 0.999", "> 99.9 %"),
        (0.9996, "> 0.999", "> 99.9 %"),
        (0.9994, "0.999", "99.9 %"),
        (0.0, "< 0.001", "< 0.1 %"),
        (0.0004, "< 0.001", "< 0.1 %"),
        (0.0006, "0.001", "0.1 %"),
        (-0.0123, "−0.012", "−1.2 %"),
        (-0.0001, "> −0.001", "> −0.1 %"),
        (math.nan, "not known", "not known"),
    ],
)
def test_no_figure_is_written_as_certain(value: float, number: str, percent: str) -> None:
    assert format_rate(value) == number
    assert format_rate(value, percent=True) == percent


@given(st.floats(0, 1))
def test_neither_0_nor_1_is_ever_a_point(value: float) -> None:
    for told in (format_rate(value), format_rate(value, percent=True)):
        assert not any(each in told for each in ("0.000", "1.000", "100.0", " 0.0 "))
        assert told != "0.0 %"


def test_an_interval_is_written_with_its_ends() -> None:
    assert format_interval(0.9328, 0.9659) == "0.933–0.966"
    assert format_interval(0.9768, 1.0) == "0.977–1"
    assert format_interval(0.0, 0.0229, percent=True) == "0–2.3 %"
    assert format_interval(0.9856, 0.99955) == "0.986 to > 0.999", "1 itself is not in it"
    assert format_interval(0.9946, 0.9999, percent=True) == "99.5 to > 99.9 %"
    assert format_interval(0.99965, 0.9999, percent=True) == "", "the point's own bound says it"
    assert format_interval(-0.021, 0.004) == "−0.021 to 0.004"
    assert format_interval(-0.016, -0.0001) == "−0.016 to > −0.001", "0 is not in it"
    assert format_interval(math.nan, math.nan) == ""


def test_an_estimate_is_written_both_ways() -> None:
    assert Estimate(0.6123, 0.5214, 0.6962).text(percent=True) == "61.2 % (52.1–69.6 %)"
    assert str(Estimate(1.0, 0.97684, 1.0)) == "> 0.999 (0.977–1)"
    assert str(Estimate(1.0, 1.0, 1.0)) == "> 0.999 (interval not known)", (
        "draws of a perfect figure say nothing"
    )


def test_predictive_values_of_a_perfect_study_have_a_true_interval() -> None:
    """Bootstrap draws of films without a false alarm have none either: PPV 1 to 1."""
    labels = np.repeat([0, 1], 40)
    probabilities = np.where(labels == 1, 0.8, 0.2)
    draws = Resampling.of(np.arange(80), repeats=50)
    for each in predictive_estimates(labels, probabilities, 0.5, 0.2, draws):
        assert each.value == each.high == 1
        assert 0.5 < each.low < 0.99
