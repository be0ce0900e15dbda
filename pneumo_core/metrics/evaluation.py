"""Everything at once: one set of films at one threshold, each figure with its interval."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pneumo_core.metrics._checks import Floats, checked
from pneumo_core.metrics.calibration import bin_gaps, brier_score, expected_calibration_error
from pneumo_core.metrics.ranking import area_under_roc
from pneumo_core.metrics.rates import Confusion, Estimate, confusion, rate
from pneumo_core.metrics.resampling import Resampling, interval

__all__ = [
    "Evaluation",
    "auc_estimate",
    "brier_estimate",
    "ece_estimate",
    "evaluate",
    "f1_estimate",
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
    counts = confusion(truth, p, threshold)
    positives, negatives = counts.tp + counts.fn, counts.tn + counts.fp
    return Evaluation(
        n=counts.n,
        threshold=threshold,
        confusion=counts,
        auc=auc_estimate(truth, p, draws),
        accuracy=rate(counts.tp + counts.tn, counts.n),
        sensitivity=rate(counts.tp, positives),
        specificity=rate(counts.tn, negatives),
        f1=f1_estimate(truth, p, threshold, draws),
        ece=ece_estimate(truth, p, draws),
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
