"""Curves, calibration in pictures and cheapest thresholds: by hand and against scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from pneumo_core.metrics import (
    average_precision,
    brier_score,
    confusion,
    cost_threshold,
    precision_recall_curve,
    reliability,
    roc_curve,
    wilson_interval,
)

LABELS = np.array([0, 0, 1, 1])
SCORES = np.array([0.1, 0.4, 0.4, 0.8])

# Sixteenths, so that ties stay ties. Both classes are always there.
FILMS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 16).map(lambda k: k / 16)), min_size=1, max_size=30
).map(lambda films: np.array([(0, 0.5), (1, 0.5), *films]).T)


def test_a_roc_curve_by_hand() -> None:
    curve = roc_curve(LABELS, SCORES)
    assert curve.x.tolist() == [0, 0, 0.5, 1]
    assert curve.y.tolist() == [0, 0.5, 1, 1]
    assert curve.thresholds.tolist() == [math.inf, 0.8, 0.4, 0.1]


@given(FILMS)
def test_curves_are_scikit_learns(films: np.ndarray) -> None:
    labels, p = films[0].astype(int), films[1]
    x, y, thresholds = reference.roc_curve(labels, p, drop_intermediate=False)
    curve = roc_curve(labels, p)
    for found, expected in zip(
        (curve.x, curve.y, curve.thresholds), (x, y, thresholds), strict=True
    ):
        assert found == pytest.approx(expected)
    precision, recall, _ = reference.precision_recall_curve(labels, p)
    curve = precision_recall_curve(labels, p)
    assert curve.y[::-1] == pytest.approx(precision[:-1])
    assert curve.x[::-1] == pytest.approx(recall[:-1])
    assert average_precision(labels, p) == pytest.approx(
        reference.average_precision_score(labels, p)
    )
    assert brier_score(labels, p) == pytest.approx(reference.brier_score_loss(labels, p))


@given(FILMS)
def test_every_point_of_a_curve_is_a_confusion(films: np.ndarray) -> None:
    curve = roc_curve(*films)
    for x, y, threshold in zip(curve.x[1:], curve.y[1:], curve.thresholds[1:], strict=True):
        counts = confusion(*films, threshold)
        assert x == pytest.approx(1 - counts.specificity)
        assert y == pytest.approx(counts.sensitivity)


def test_one_class_has_no_roc_curve_and_no_precision() -> None:
    with pytest.raises(ValueError, match="both classes"):
        roc_curve([1, 1], [0.1, 0.2])
    with pytest.raises(ValueError, match="PNEUMONIA"):
        precision_recall_curve([0, 0], [0.1, 0.2])
    assert math.isnan(average_precision([0, 0], [0.1, 0.2]))


def test_reliability_by_hand() -> None:
    low, high = reliability([0, 1, 1, 1], [0.1, 0.3, 0.6, 1.0], bins=2)
    assert (low.n, low.probability, low.share) == pytest.approx((2, 0.2, 0.5))
    assert (high.n, high.probability, high.share) == pytest.approx((2, 0.8, 1.0))
    assert (high.low, high.high) == wilson_interval(2, 2)


def test_empty_bins_are_left_out() -> None:
    assert [point.n for point in reliability([0, 1], [0.0, 1.0])] == [1, 1]
    assert reliability([], []) == []


@pytest.mark.parametrize(("missed", "threshold"), [(0.1, 0.8), (10, 0.3)])
def test_the_cheapest_threshold_by_hand(missed: float, threshold: float) -> None:
    # Ill: 0.3 and 0.8; normal: 0.2, 0.5 and 0.6. From 0.8: one missed; from 0.3: two alarms.
    labels, p = [1, 1, 0, 0, 0], [0.3, 0.8, 0.2, 0.5, 0.6]
    assert cost_threshold(labels, p, missed=missed) == threshold


def test_where_fewer_are_ill_alarms_weigh_more() -> None:
    labels, p = [1, 1, 0, 0, 0], [0.3, 0.8, 0.2, 0.5, 0.6]
    assert cost_threshold(labels, p, missed=3, prevalence=0.9) == 0.3
    assert cost_threshold(labels, p, missed=3, prevalence=0.01) == 0.8


@given(FILMS, st.sampled_from([0.2, 1, 5, 50]))
def test_no_film_s_probability_costs_less(films: np.ndarray, missed: float) -> None:
    def cost(threshold: float) -> float:
        counts = confusion(*films, threshold)
        return missed * counts.fn + counts.fp

    found = cost(cost_threshold(*films, missed=missed))
    assert found <= min(map(cost, films[1])) + 1e-9


@pytest.mark.parametrize("wrong", [{"missed": 0}, {"missed": 1, "prevalence": 1}])
def test_senseless_costs_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="need missed > 0 and 0 < prevalence < 1"):
        cost_threshold(LABELS, SCORES, **wrong)
