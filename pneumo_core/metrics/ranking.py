"""Threshold-free metrics: ROC and precision-recall curves, and the areas under them."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from pneumo_core.metrics._checks import Floats, check_arrays
from pneumo_core.metrics._ranks import ranks

__all__ = [
    "Curve",
    "area_interval",
    "area_under_roc",
    "average_precision",
    "precision_recall_curve",
    "roc_curve",
]


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve over all thresholds: ``x`` and ``y`` float (K,) in [0, 1], one point per threshold.

    ``thresholds`` float (K,), descending: X-rays at or above one are called PNEUMONIA; the first
    may be infinite.
    """

    x: Floats
    y: Floats
    thresholds: Floats

    def at(self, probabilities: ArrayLike) -> "Curve":
        """Return the points of the curve at these thresholds (n,).

        A number between two thresholds gives the point of the higher one.
        """
        p = np.unique(np.asarray(probabilities, dtype=np.float64))[::-1]
        rows = np.searchsorted(-self.thresholds, -p, side="right") - 1
        rows = rows[rows >= 0]
        return Curve(self.x[rows], self.y[rows], self.thresholds[rows])


def area_under_roc(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Return the area under the ROC curve, in [0, 1]; NaN unless both classes are present."""
    truth, p = check_arrays(labels, probabilities)
    positives = int(truth.sum())
    negatives = len(truth) - positives
    if not positives or not negatives:
        return math.nan
    # The Mann-Whitney form: 10 × faster than scikit-learn's, which matters in every epoch.
    pairs_won = ranks(p)[truth == 1].sum() - positives * (positives + 1) / 2
    return float(pairs_won / (positives * negatives))


def area_interval(area: float, ill: int, normal: int) -> tuple[float, float]:
    """Return the 95 % interval of an area under the ROC curve, from the area and two counts.

    Newcombe's method 5 (2006, doi 10.1002/sim.2324): like Wilson's for a rate, it also holds for
    few patients and for an area of 0 or 1, where resampling shows no variation.

    Args:
        area: in [0, 1].
        ill, normal: patients with PNEUMONIA and without.

    Returns:
        Both ends, in [0, 1]; NaN where the area is NaN or one of the counts is 0.
    """
    if math.isnan(area) or not ill or not normal:
        return math.nan, math.nan
    from scipy.optimize import brentq  # takes a second to import

    mean, z = (ill + normal) / 2, float(ndtri(0.975))

    def too_far(theta: float) -> float:
        product = (2 - theta) * (1 + theta)
        spread = theta * (1 - theta) / (ill * normal) * (2 * mean - 1 - (3 * mean - 3) / product)
        return abs(area - theta) - z * math.sqrt(max(0.0, spread))

    edge = 1e-12
    low = brentq(too_far, 0.0, min(area, 1 - edge)) if area > edge else 0.0
    high = brentq(too_far, max(area, edge), 1.0) if area < 1 - edge else 1.0
    return float(low), float(high)


def roc_curve(labels: ArrayLike, probabilities: ArrayLike) -> Curve:
    """Return 1 - specificity (x) and sensitivity (y) at every threshold, highest first.

    Raises ValueError unless both classes are present.
    """
    counted = _count_calls(labels, probabilities)
    if not counted.positives or not counted.negatives:
        raise ValueError("a ROC curve needs X-rays of both classes")
    return Curve(
        np.append(0.0, counted.fp / counted.negatives),
        np.append(0.0, counted.tp / counted.positives),
        np.append(np.inf, counted.thresholds),
    )


def precision_recall_curve(labels: ArrayLike, probabilities: ArrayLike) -> Curve:
    """Return sensitivity (x) and positive predictive value (y) at every threshold, highest first.

    Raises ValueError when no X-ray shows PNEUMONIA.
    """
    counted = _count_calls(labels, probabilities)
    if not counted.positives:
        raise ValueError("a precision-recall curve needs X-rays with PNEUMONIA")
    precision = counted.tp / (counted.tp + counted.fp)
    return Curve(counted.tp / counted.positives, precision, counted.thresholds)


def average_precision(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Return the average precision, in [0, 1], as scikit-learn defines it.

    The mean of the precisions, weighted by the gain in sensitivity. NaN when no X-ray shows
    PNEUMONIA.
    """
    truth, _ = check_arrays(labels, probabilities)
    if not truth.any():
        return math.nan
    curve = precision_recall_curve(labels, probabilities)
    return float(np.sum(np.diff(curve.x, prepend=0.0) * curve.y))


@dataclass(frozen=True, eq=False)
class _CallCounts:
    """True (tp) and false (fp) positives at each of the descending thresholds."""

    thresholds: Floats
    tp: Floats
    fp: Floats
    positives: int
    negatives: int


def _count_calls(labels: ArrayLike, probabilities: ArrayLike) -> _CallCounts:
    truth, p = check_arrays(labels, probabilities)
    order = np.argsort(-p, kind="stable")
    ranked, called = p[order], np.arange(1, len(p) + 1)
    tp = np.cumsum(truth[order])
    last = np.append(np.diff(ranked) != 0, True)[: len(p)]  # tied scores share one point
    right, wrong = tp[last].astype(np.float64), (called - tp)[last].astype(np.float64)
    positives = int(truth.sum())
    return _CallCounts(ranked[last], right, wrong, positives, len(truth) - positives)
