"""Figures worked out by hand, agreement with scikit-learn, and what must hold for any films."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from pneumo_core.metrics import (
    Calibration,
    Confusion,
    Estimate,
    area_under_roc,
    balanced_threshold,
    confusion,
    evaluate,
    expected_calibration_error,
    fit_calibration,
    predictive_values,
    screening_threshold,
    sensitivity_threshold,
    wilson_interval,
)

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
SCORES = np.array([0.1, 0.4, 0.35, 0.8, 0.9, 0.2, 0.5, 0.6, 0.7, 0.95])

# Sixteenths: 1 - p is exact, so ties stay ties. Both classes are always there.
FILMS = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 16).map(lambda k: k / 16)), min_size=1, max_size=30
).map(lambda films: np.array([(0, 0.5), (1, 0.5), *films]).T)


# --- counts and rates ------------------------------------------------------------------------


def test_confusion_by_hand() -> None:
    # At 0.5: NORMAL 0.8 is called ill, PNEUMONIA 0.2 is missed, 0.5 itself is called ill.
    assert confusion(LABELS, SCORES, 0.5) == Confusion(tn=3, fp=1, fn=1, tp=5)


def test_rates_by_hand() -> None:
    counts = Confusion(tn=3, fp=1, fn=1, tp=5)
    assert counts.n == 10
    assert counts.accuracy == 0.8
    assert counts.sensitivity == 5 / 6
    assert counts.specificity == 0.75
    assert counts.f1 == 10 / 12
    assert counts.as_rows() == [[3, 1], [1, 5]]


def test_rates_over_no_films_are_nan() -> None:
    nothing = Confusion(0, 0, 0, 0)
    for rate in (nothing.accuracy, nothing.sensitivity, nothing.specificity, nothing.f1):
        assert math.isnan(rate)


@given(FILMS, st.integers(0, 16).map(lambda k: k / 16))
def test_counts_and_rates_agree_with_scikit_learn(films: np.ndarray, threshold: float) -> None:
    labels, p = films[0].astype(int), films[1]
    called = (p >= threshold).astype(int)
    counts = confusion(labels, p, threshold)
    assert counts.as_rows() == reference.confusion_matrix(labels, called).tolist()
    assert counts.f1 == pytest.approx(reference.f1_score(labels, called))
    assert counts.accuracy == pytest.approx(reference.accuracy_score(labels, called))


# --- area under the ROC curve ----------------------------------------------------------------


def test_auc_by_hand() -> None:
    assert area_under_roc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == 3 / 4


def test_a_tie_is_half_a_pair() -> None:
    assert area_under_roc([0, 1, 1], [0.5, 0.5, 0.9]) == 3 / 4


@pytest.mark.parametrize("labels", [[], [0, 0], [1, 1]])
def test_auc_needs_both_classes(labels: list[int]) -> None:
    assert math.isnan(area_under_roc(labels, [0.5] * len(labels)))


@given(FILMS)
def test_auc_agrees_with_scikit_learn(films: np.ndarray) -> None:
    assert area_under_roc(*films) == pytest.approx(reference.roc_auc_score(*films))


@given(FILMS)
def test_auc_is_the_same_with_the_classes_exchanged(films: np.ndarray) -> None:
    assert area_under_roc(1 - films[0], 1 - films[1]) == pytest.approx(area_under_roc(*films))


@given(FILMS)
def test_auc_depends_on_the_order_alone(films: np.ndarray) -> None:
    assert area_under_roc(films[0], films[1] ** 3) == area_under_roc(*films)


# --- calibration -----------------------------------------------------------------------------


def test_calibration_error_by_hand() -> None:
    # Lower half: mean 0.2, share 1/2. Upper half: mean 0.7, share 1.
    error = expected_calibration_error([0, 1, 1, 1], [0.1, 0.3, 0.6, 0.8], bins=2)
    assert error == pytest.approx(0.3)


def test_calibration_error_weighs_bins_by_their_films() -> None:
    # Lower half: three films, mean 0.2, share 0. Upper half: one film, 0.9, ill.
    error = expected_calibration_error([0, 0, 0, 1], [0.2, 0.2, 0.2, 0.9], bins=2)
    assert error == pytest.approx((3 * 0.2 + 1 * 0.1) / 4)


def test_a_probability_of_one_lies_in_the_last_bin() -> None:
    # Together they are 0.475 too high on average; each in a bin of its own would give 0.525.
    assert expected_calibration_error([0, 1], [1.0, 0.95]) == pytest.approx(0.475)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_calibration_of_calibrated_films_is_found(temperature: float) -> None:
    """Of many films at five margins, the share that calibration promises is ill."""
    margin = np.repeat(np.linspace(-3, 3, 5), 20_000) * temperature
    promised = Calibration(temperature).probabilities(margin)
    labels = (np.tile(np.arange(20_000) + 0.5, 5) / 20_000 < promised).astype(int)
    assert fit_calibration(labels, margin).temperature == pytest.approx(temperature, rel=0.01)
    assert fit_calibration(labels, margin).offset == 0


def test_how_many_were_ill_where_films_were_collected_changes_no_probability() -> None:
    labels, margins = np.array([0, 0, 1, 1, 1, 0]), np.array([-2.0, 0.5, 1.0, 3.0, -0.5, -1.0])
    ill = labels == 1
    found = fit_calibration(np.tile(labels, 200), np.tile(margins, 200))
    more_ill = fit_calibration(
        np.concatenate([np.tile(labels, 200), np.ones(1800, int)]),
        np.concatenate([np.tile(margins, 200), np.tile(margins[ill], 600)]),
    )
    assert more_ill.probabilities(margins) == pytest.approx(found.probabilities(margins), abs=0.01)


def test_films_told_apart_perfectly_get_platts_targets_not_certainty() -> None:
    # Targets 3/4 and 1/4 of two films a side: the sigmoid passes through both.
    found = fit_calibration([0, 0, 1, 1], [-1, -1, 1, 1])
    assert found.probabilities([-1, 1]) == pytest.approx([0.25, 0.75], abs=1e-3)


def test_margins_that_say_nothing_are_flattened_to_the_limit() -> None:
    assert fit_calibration([0, 1], [1, -1]).temperature == pytest.approx(20, rel=1e-3)


def test_one_class_has_no_calibration() -> None:
    with pytest.raises(ValueError, match="both classes"):
        fit_calibration([1, 1], [0.5, 2.0])


# --- intervals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # Newcombe 1998, doi 10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E,
        # table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_published(successes: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_over_no_films_is_nan() -> None:
    assert all(map(math.isnan, wilson_interval(0, 0)))


# --- everything at once ----------------------------------------------------------------------


def test_an_evaluation_holds_the_same_figures() -> None:
    result = evaluate(LABELS, SCORES, 0.5, groups=range(10))
    counts = Confusion(tn=3, fp=1, fn=1, tp=5)
    assert (result.n, result.threshold, result.confusion) == (10, 0.5, counts)
    assert result.auc.value == area_under_roc(LABELS, SCORES)
    assert result.f1.value == 10 / 12
    assert result.ece.value == expected_calibration_error(LABELS, SCORES)
    assert (result.sensitivity.low, result.sensitivity.high) == wilson_interval(5, 6)
    assert (result.specificity.low, result.specificity.high) == wilson_interval(3, 4)
    assert (result.accuracy.low, result.accuracy.high) == wilson_interval(8, 10)
    for estimate in (result.auc, result.f1, result.accuracy):
        assert estimate.low < estimate.value < estimate.high


def test_an_evaluation_of_no_films_is_nan() -> None:
    result = evaluate([], [], 0.5, groups=[])
    assert result.n == 0
    for estimate in (result.auc, result.accuracy, result.sensitivity, result.f1, result.ece):
        assert all(map(math.isnan, (estimate.value, estimate.low, estimate.high)))


def test_one_class_has_a_sensitivity_and_no_specificity() -> None:
    result = evaluate([1, 1], [0.2, 0.8], 0.5, groups=["a", "b"])
    assert result.sensitivity.value == 0.5
    assert math.isnan(result.specificity.value)
    assert math.isnan(result.auc.value)


# --- thresholds ------------------------------------------------------------------------------


def test_balanced_is_a_half_where_a_half_is_as_good_as_the_best() -> None:
    assert balanced_threshold([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]) == 0.5


def test_balanced_leaves_a_half_only_as_far_as_it_must() -> None:
    """The ill lie from 0.9 on, the normal below 0.8: the middle of the gap is the nearest."""
    p = np.concatenate([np.linspace(0.7, 0.8, 100), np.linspace(0.9, 0.99, 100)])
    assert balanced_threshold(np.repeat([0, 1], 100), p) == pytest.approx(0.85)


def test_balanced_takes_the_nearest_within_one_standard_error() -> None:
    """100 films a side. From 0.65 on 4 ill are missed and no alarm is false: 1.96, error 0.0196.

    From 0.55 on 2 ill are missed and 3 alarms are false: 1.95, as good; at 0.5 10 are: too many.
    """
    ill = np.concatenate([np.full(2, 0.3), np.full(2, 0.6), np.full(96, 0.9)])
    normal = np.concatenate([np.full(3, 0.6), np.full(7, 0.52), np.full(90, 0.1)])
    labels = np.repeat([1, 0], 100)
    assert balanced_threshold(labels, np.concatenate([ill, normal])) == pytest.approx(0.56)


@pytest.mark.parametrize("scores", [[0.7, 0.7, 0.7, 0.7], [0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1]])
def test_balanced_of_any_classifier_is_a_probability(scores: list[float]) -> None:
    assert 0 <= balanced_threshold([0, 0, 1, 1], scores) <= 1


@given(FILMS)
def test_balanced_is_within_one_standard_error_of_the_best(films: np.ndarray) -> None:
    labels, p = films
    found = confusion(labels, p, balanced_threshold(labels, p))
    steps = [confusion(labels, p, t) for t in (*np.unique(p), np.nextafter(p.max(), 2))]
    best = max(steps, key=lambda counts: counts.sensitivity + counts.specificity)
    rates = ((best.sensitivity, labels.sum()), (best.specificity, (1 - labels).sum()))
    error = math.sqrt(sum(share * (1 - share) / n for share, n in rates))
    most = best.sensitivity + best.specificity
    # Thresholds of the same index may differ in their error; half a film is the smallest step.
    room = max(error, math.sqrt(0.5 / labels.sum() + 0.5 / (1 - labels).sum()))
    assert found.sensitivity + found.specificity >= most - room - 1e-9


@pytest.mark.parametrize(
    ("at_least", "threshold"), [(0.99, 0.5), (0.8, 0.6), (0.79, 0.6), (0.2, 0.9), (0.0, 0.9)]
)
def test_sensitivity_threshold_by_hand(at_least: float, threshold: float) -> None:
    labels = [0, 1, 1, 1, 1, 1]
    p = [0.95, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert sensitivity_threshold(labels, p, at_least=at_least) == threshold


def test_sensitivity_threshold_survives_rounding() -> None:
    # 0.07 × 100 is 7.000000000000001 in binary; seven films are enough.
    p = np.linspace(0.01, 1, 100)
    assert sensitivity_threshold([0, *[1] * 100], [0.0, *p], at_least=0.07) == p[-7]


@given(FILMS, st.sampled_from([0.5, 0.9, 0.99]))
def test_sensitivity_threshold_is_the_highest_that_will_do(
    films: np.ndarray, at_least: float
) -> None:
    threshold = sensitivity_threshold(*films, at_least=at_least)
    assert confusion(*films, threshold).sensitivity >= at_least
    assert confusion(*films, np.nextafter(threshold, 2)).sensitivity < at_least


@given(FILMS, st.sampled_from([0.5, 0.9, 0.99]))
def test_screening_misses_no_more_than_balanced(films: np.ndarray, at_least: float) -> None:
    threshold = screening_threshold(*films, at_least=at_least)
    found = confusion(*films, threshold).sensitivity
    assert found >= max(at_least, confusion(*films, balanced_threshold(*films)).sensitivity)


def test_labels_far_apart_are_screened_at_the_balanced_threshold() -> None:
    films = ([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert screening_threshold(*films) == balanced_threshold(*films) == 0.5


@pytest.mark.parametrize("rule", [balanced_threshold, screening_threshold, sensitivity_threshold])
def test_a_threshold_needs_both_classes(rule: object) -> None:
    with pytest.raises(ValueError, match="both classes"):
        rule([1, 1], [0.2, 0.8])  # type: ignore[operator]


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "probabilities", "words"),
    [
        ([0, 1], [0.5], "must both be"),
        ([[0, 1]], [[0.5, 0.5]], "must both be"),
        ([0, 2], [0.5, 0.5], "0 .NORMAL. or 1"),
        ([0, 1], [0.5, 1.5], "in .0, 1."),
        ([0, 1], [0.5, math.nan], "in .0, 1."),
    ],
)
def test_senseless_numbers_are_refused(labels: list, probabilities: list, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        confusion(labels, probabilities, 0.5)


@pytest.mark.parametrize(
    ("sensitivity", "specificity", "prevalence", "ppv", "npv"),
    [
        (0.9, 0.8, 0.5, 0.45 / 0.55, 0.40 / 0.45),
        (0.9, 0.8, 0.1, 0.09 / 0.27, 0.72 / 0.73),
        (1.0, 1.0, 0.3, 1.0, 1.0),
        (1.0, 0.0, 0.3, 0.3, math.nan),
        (math.nan, 0.8, 0.3, math.nan, math.nan),
    ],
)
def test_predictive_values_follow_bayes(
    sensitivity: float, specificity: float, prevalence: float, ppv: float, npv: float
) -> None:
    found = predictive_values(sensitivity, specificity, prevalence)
    assert found == pytest.approx((ppv, npv), nan_ok=True)


def test_a_prevalence_is_a_share() -> None:
    with pytest.raises(ValueError, match="prevalence"):
        predictive_values(0.9, 0.9, 5)


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.9512, 0.9328, 0.9659), "0.951 (0.933–0.966)"),
        (Estimate(1.0, math.nan, math.nan), "> 0.999 (interval not known)"),
        (Estimate(0.98, math.nan, math.nan), "0.980 (interval not known)"),
        (Estimate(math.nan, math.nan, math.nan), "not known"),
    ],
)
def test_an_estimate_comes_with_its_interval(estimate: Estimate, text: str) -> None:
    assert str(estimate) == text
