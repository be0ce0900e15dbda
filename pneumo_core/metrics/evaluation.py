"""Everything at once: one set of films at one threshold, each figure with its interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pneumo_core.metrics._checks import Floats, Ints, checked
from pneumo_core.metrics.calibration import bin_gaps, brier_score, expected_calibration_error
from pneumo_core.metrics.prevalence import predictive_value_estimates
from pneumo_core.metrics.ranking import area_under_roc
from pneumo_core.metrics.rates import Confusion, Estimate, confusion, predictive_values, rate
from pneumo_core.metrics.resampling import Resampling, interval

__all__ = [
    "Evaluation",
    "at_threshold",
    "auc_estimate",
    "brier_estimate",
    "ece_estimate",
    "evaluate",
    "f1_estimate",
    "predictive_estimates",
]


@dataclass(frozen=True)
class Evaluation:
    """A checkpoint on one set of films at one threshold."""

    n: int
    threshold: float
    confusion: Confusion
    auc: Estimate
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    f1: Estimate
    ece: Estimate


def evaluate(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    groups: ArrayLike,
    *,
    resampling: Resampling | None = None,
) -> Evaluation:
    """Every figure at the threshold: rates with Wilson's interval, the rest by bootstrap.

    ``groups`` (N,) name each film's patient; ``resampling``: the draws of an earlier call for the
    same groups, which cost most of the time.
    """
    truth, p = checked(labels, probabilities)
    draws = resampling or Resampling.of(groups)
    auc, ece = auc_estimate(truth, p, draws), ece_estimate(truth, p, draws)
    return _at(threshold, truth, p, draws, auc, ece)


def at_threshold(
    evaluation: Evaluation,
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    draws: Resampling,
) -> Evaluation:
    """An evaluation of the same films at another threshold: AUC and ECE are what they were."""
    truth, p = checked(labels, probabilities)
    return _at(threshold, truth, p, draws, evaluation.auc, evaluation.ece)


def _at(
    threshold: float, truth: Ints, p: Floats, draws: Resampling, auc: Estimate, ece: Estimate
) -> Evaluation:
    counts = confusion(truth, p, threshold)
    return Evaluation(
        n=counts.n,
        threshold=threshold,
        confusion=counts,
        auc=auc,
        accuracy=rate(counts.tp + counts.tn, counts.n),
        sensitivity=rate(counts.tp, counts.tp + counts.fn),
        specificity=rate(counts.tn, counts.tn + counts.fp),
        f1=f1_estimate(truth, p, threshold, draws),
        ece=ece,
    )


def f1_estimate(
    labels: ArrayLike, probabilities: ArrayLike, threshold: float, draws: Resampling
) -> Estimate:
    """F1 at the threshold with its interval."""
    truth, p = checked(labels, probabilities)
    called = p >= threshold
    agreed, either = called & (truth == 1), called.astype(np.float64) + truth
    parts = draws.sums(np.column_stack([2.0 * agreed, either]))
    f1 = confusion(truth, p, threshold).f1
    return Estimate(f1, *interval(shares(parts[:, 0], parts[:, 1])))


def predictive_estimates(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    prevalence: float,
    draws: Resampling,
) -> tuple[Estimate, Estimate]:
    """Return PPV and NPV where ``prevalence`` in (0, 1) of the films are ill.

    Their intervals are those of sensitivity and specificity in each draw. Where a cell of the
    confusion matrix is empty it is empty in each draw too, so they would be too narrow: those of
    ``predictive_value_estimates`` then.
    """
    truth, p = checked(labels, probabilities)
    counts = confusion(truth, p, threshold)
    ill_films, healthy_films = counts.tp + counts.fn, counts.tn + counts.fp
    if min(ill_films, healthy_films) > 0 and 0 in (counts.tp, counts.fn, counts.tn, counts.fp):
        rates = (counts.sensitivity, counts.specificity)
        return predictive_value_estimates(*rates, prevalence, ill=ill_films, healthy=healthy_films)
    called, ill = p >= threshold, truth == 1
    sums = draws.sums(np.column_stack([called & ill, ill, ~called & ~ill, ~ill]))
    sensitivity, specificity = shares(sums[:, 0], sums[:, 1]), shares(sums[:, 2], sums[:, 3])
    true, false = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    cleared, missed = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    values = predictive_values(counts.sensitivity, counts.specificity, prevalence)
    drawn = (shares(true, true + false), shares(cleared, cleared + missed))
    ppv, npv = (Estimate(v, *interval(d)) for v, d in zip(values, drawn, strict=True))
    return ppv, npv


def ece_estimate(labels: ArrayLike, probabilities: ArrayLike, draws: Resampling) -> Estimate:
    """Expected calibration error with its interval."""
    truth, p = checked(labels, probabilities)
    gaps = np.abs(draws.sums(bin_gaps(truth, p))).sum(axis=1)
    films = draws.sums(np.ones((len(p), 1)))[:, 0]
    return Estimate(expected_calibration_error(truth, p), *interval(shares(gaps, films)))


def auc_estimate(labels: ArrayLike, probabilities: ArrayLike, draws: Resampling) -> Estimate:
    """Area under the ROC curve with its interval."""
    areas = draws.areas_under_roc(labels, probabilities)
    return Estimate(area_under_roc(labels, probabilities), *interval(areas))


def brier_estimate(labels: ArrayLike, probabilities: ArrayLike, draws: Resampling) -> Estimate:
    """Brier score with its interval."""
    truth, p = checked(labels, probabilities)
    sums = draws.sums(np.column_stack([(p - truth) ** 2, np.ones(len(p))]))
    return Estimate(brier_score(truth, p), *interval(shares(sums[:, 0], sums[:, 1])))


def shares(parts: Floats, wholes: Floats) -> Floats:
    """Parts of wholes, each float (repeats,); NaN where there's no whole."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(wholes > 0, parts / wholes, np.nan)
