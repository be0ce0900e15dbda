"""All metrics of one set of X-rays at one threshold, each with its interval."""

import math
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

from pneumo_core.core.html import html_table
from pneumo_core.metrics._checks import Floats, Ints, check_arrays
from pneumo_core.metrics.calibration import bin_gaps, brier_score, expected_calibration_error
from pneumo_core.metrics.large_samples import Draws, draws_of
from pneumo_core.metrics.prevalence import predictive_value_estimates
from pneumo_core.metrics.ranking import area_interval, area_under_roc
from pneumo_core.metrics.rates import (
    Confusion,
    Estimate,
    confusion,
    predictive_values,
    rate,
    wilson_interval,
)

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
    """The metrics of one checkpoint on one set of X-rays at one threshold."""

    n: int
    threshold: float
    confusion: Confusion
    auc: Estimate
    accuracy: Estimate
    sensitivity: Estimate
    specificity: Estimate
    f1: Estimate
    ece: Estimate

    def __repr__(self) -> str:
        return (
            f"Evaluation({self.n} X-rays, AUC {self.auc.value:.4f}, accuracy "
            f"{self.accuracy.value:.4f}, sensitivity {self.sensitivity.value:.4f}, specificity "
            f"{self.specificity.value:.4f} at {self.threshold:.4f})"
        )

    def _repr_html_(self) -> str:
        names = ("auc", "accuracy", "sensitivity", "specificity", "f1", "ece")
        rows = [(name, getattr(self, name)) for name in names]
        return html_table(f"{self.n} X-rays at the threshold {self.threshold:.4f}", rows)

    def to_dict(self) -> dict[str, object]:
        """Return every metric as plain values, intervals as low and high."""
        return asdict(self)


def evaluate(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    groups: ArrayLike,
    *,
    resampling: Draws | None = None,
) -> Evaluation:
    """Return every metric at the threshold: rates with Wilson's interval, the rest by bootstrap.

    From ``MANY_PATIENTS`` on, normal draws take the bootstrap's place (``large_samples``).

    ``groups`` (N,) is each X-ray's patient. ``resampling``: the draws of an earlier call for the
    same groups; making them takes most of the time.
    """
    truth, p = check_arrays(labels, probabilities)
    draws = resampling or draws_of(groups)
    auc, ece = auc_estimate(truth, p, draws), ece_estimate(truth, p, draws)
    return _at(threshold, truth, p, draws, auc, ece)


def at_threshold(
    evaluation: Evaluation,
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    draws: Draws,
) -> Evaluation:
    """Return an evaluation of the same X-rays at another threshold, reusing its AUC and ECE."""
    truth, p = check_arrays(labels, probabilities)
    return _at(threshold, truth, p, draws, evaluation.auc, evaluation.ece)


def _at(
    threshold: float, truth: Ints, p: Floats, draws: Draws, auc: Estimate, ece: Estimate
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
    labels: ArrayLike, probabilities: ArrayLike, threshold: float, draws: Draws
) -> Estimate:
    """Return F1 at the threshold with its interval.

    Where the draws don't vary (no mistakes), the interval is Wilson's interval of TP / (TP + FP +
    FN), mapped to F1.
    """
    truth, p = check_arrays(labels, probabilities)
    called = p >= threshold
    agreed, either = called & (truth == 1), called.astype(np.float64) + truth
    parts = draws.sums(np.column_stack([2.0 * agreed, either]))
    ends = draws.interval(shares(parts[:, 0], parts[:, 1]))
    if math.isnan(ends[0]) and draws.patients == len(truth):
        low, high = wilson_interval(int(agreed.sum()), int((either > 0).sum()))
        ends = 2 * low / (1 + low), 2 * high / (1 + high)
    return Estimate(confusion(truth, p, threshold).f1, *ends)


def predictive_estimates(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    prevalence: float,
    draws: Draws,
) -> tuple[Estimate, Estimate]:
    """Return PPV and NPV at a ``prevalence`` in (0, 1).

    The intervals are those of the predictive values of each draw. Where a cell of the confusion
    matrix is empty it is empty in each draw too, so these intervals would be too narrow: those of
    ``predictive_value_estimates`` are used. Where the draws don't vary, the interval follows from
    the ends of the Wilson intervals of sensitivity and specificity.
    """
    truth, p = check_arrays(labels, probabilities)
    counts = confusion(truth, p, threshold)
    n_positive, n_negative = counts.tp + counts.fn, counts.tn + counts.fp
    if min(n_positive, n_negative) > 0 and 0 in (counts.tp, counts.fn, counts.tn, counts.fp):
        rates = (counts.sensitivity, counts.specificity)
        return predictive_value_estimates(*rates, prevalence, ill=n_positive, healthy=n_negative)
    called, ill = p >= threshold, truth == 1
    sums = draws.sums(np.column_stack([called & ill, ill, ~called & ~ill, ~ill]))
    sensitivity, specificity = shares(sums[:, 0], sums[:, 1]), shares(sums[:, 2], sums[:, 3])
    true, false = sensitivity * prevalence, (1 - specificity) * (1 - prevalence)
    cleared, missed = specificity * (1 - prevalence), (1 - sensitivity) * prevalence
    values = predictive_values(counts.sensitivity, counts.specificity, prevalence)
    ends = [
        draws.interval(shares(true, true + false)),
        draws.interval(shares(cleared, cleared + missed)),
    ]
    bounds = _predictive_bounds(counts, prevalence)
    ends = [b if math.isnan(e[0]) else e for e, b in zip(ends, bounds, strict=True)]
    return Estimate(values[0], *ends[0]), Estimate(values[1], *ends[1])


def _predictive_bounds(
    counts: Confusion, prevalence: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the bounds of PPV and NPV with sensitivity and specificity at the ends of theirs."""
    sensitivity = wilson_interval(counts.tp, counts.tp + counts.fn)
    specificity = wilson_interval(counts.tn, counts.tn + counts.fp)
    low, high = (
        predictive_values(*both, prevalence) for both in zip(sensitivity, specificity, strict=True)
    )
    return (low[0], high[0]), (low[1], high[1])


def ece_estimate(labels: ArrayLike, probabilities: ArrayLike, draws: Draws) -> Estimate:
    """Return the expected calibration error with its interval."""
    truth, p = check_arrays(labels, probabilities)
    sums = draws.sums(np.column_stack([bin_gaps(truth, p), np.ones(len(p))]))
    shares_apart = shares(np.abs(sums[:, :-1]).sum(axis=1), sums[:, -1])
    return Estimate(expected_calibration_error(truth, p), *draws.interval(shares_apart))


def auc_estimate(labels: ArrayLike, probabilities: ArrayLike, draws: Draws) -> Estimate:
    """Return the area under the ROC curve with its interval.

    Where the draws don't vary (perfect separation), it is Newcombe's for as many patients.
    """
    truth, p = check_arrays(labels, probabilities)
    area = area_under_roc(truth, p)
    ends = draws.interval(draws.areas_under_roc(truth, p))
    if math.isnan(ends[0]):
        ends = area_interval(area, draws.patients_of(truth == 1), draws.patients_of(truth == 0))
    return Estimate(area, *ends)


def brier_estimate(labels: ArrayLike, probabilities: ArrayLike, draws: Draws) -> Estimate:
    """Return the Brier score with its interval."""
    truth, p = check_arrays(labels, probabilities)
    sums = draws.sums(np.column_stack([(p - truth) ** 2, np.ones(len(p))]))
    return Estimate(brier_score(truth, p), *draws.interval(shares(sums[:, 0], sums[:, 1])))


def shares(parts: Floats, wholes: Floats) -> Floats:
    """Return parts / wholes, both float (repeats,); NaN where the whole is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(wholes > 0, parts / wholes, np.nan)
