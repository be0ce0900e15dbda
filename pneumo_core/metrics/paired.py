"""Paired comparison of two checkpoints on the same X-rays."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from pneumo_core.metrics._checks import Floats, Ints, check_arrays, check_two_classes
from pneumo_core.metrics._ranks import ranks
from pneumo_core.metrics.ranking import area_interval
from pneumo_core.metrics.rates import Estimate
from pneumo_core.metrics.resampling import LEAST_PATIENTS

__all__ = ["Areas", "McNemar", "area_and_variance", "clustered_area", "compare_areas", "mcnemar"]

_NOTHING = 1e-15
"""A variance below this is rounding error."""


@dataclass(frozen=True)
class McNemar:
    """McNemar's test: the X-rays that only one of two checkpoints predicted correctly.

    ``p``: two-sided, of counts this far apart if both were correct equally often (McNemar 1947, doi
    10.1007/BF02295996; exact, binomial); 1 where the two never differ.
    """

    only_first: int
    only_second: int
    p: float


@dataclass(frozen=True)
class Areas:
    """The areas under two ROC curves of the same X-rays, and their difference.

    ``difference``: first - second with its 95 % interval. ``p``: two-sided, for no difference. NaN
    where both rank every X-ray alike (the difference is then exactly 0). The difference's interval
    is NaN, too, where its variance is 0 or there are too few patients.
    """

    first: Estimate
    second: Estimate
    difference: Estimate
    p: float


def mcnemar(labels: ArrayLike, first_calls: ArrayLike, second_calls: ArrayLike) -> McNemar:
    """Run McNemar's test on two sets of calls int (N,) of 0 and 1 on the same X-rays."""
    truth, one, other = (np.asarray(each) for each in (labels, first_calls, second_calls))
    if not truth.shape == one.shape == other.shape:
        raise ValueError(
            f"labels {truth.shape} and calls {one.shape}, {other.shape} differ in shape"
        )
    first, second = one == truth, other == truth
    only_first, only_second = int(np.sum(first & ~second)), int(np.sum(second & ~first))
    apart = only_first + only_second
    from scipy.stats import binomtest  # takes a second to import

    p = float(binomtest(only_first, apart, 0.5).pvalue) if apart else 1.0
    return McNemar(only_first, only_second, p)


def compare_areas(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, groups: ArrayLike
) -> Areas:
    """Compare the areas under the ROC curves of two sets of probabilities (N,) for the same X-rays.

    DeLong et al. 1988, doi 10.2307/2531595, clustered by patient (``groups`` (N,); Obuchowski 1997,
    doi 10.2307/2533958); with one X-ray per patient this is DeLong's test. Intervals assume a
    normal distribution. Raises ValueError unless both classes are present.
    """
    truth, one = check_two_classes(labels, first)
    _, other = check_arrays(labels, second)
    clusters = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    mine, theirs = (_Parts.of(truth, p, clusters) for p in (one, other))
    a, b = mine.area, theirs.area
    variances = mine.covariance(mine), theirs.covariance(theirs)
    spread = math.sqrt(max(0.0, sum(variances) - 2 * mine.covariance(theirs)))
    if np.array_equal(ranks(one), ranks(other)):
        same = _area(a, variances[0], mine.clusters)
        return Areas(same, same, Estimate(0.0, 0.0, 0.0), math.nan)
    if len(mine.ill) < LEAST_PATIENTS:
        spread, variances = 0.0, (0.0, 0.0)
    return Areas(
        _area(a, variances[0], mine.clusters),
        _area(b, variances[1], mine.clusters),
        Estimate(a - b, *_ends(a - b, spread, -1.0, 1.0)),
        float(2 * ndtr(-abs(a - b) / spread)) if spread > 0 else math.nan,
    )


def clustered_area(labels: ArrayLike, probabilities: ArrayLike, groups: ArrayLike) -> Estimate:
    """Return the area under the ROC curve with its interval, clustered by patient.

    The interval of ``compare_areas`` for one set of probabilities (N,): without resampling, so it
    takes milliseconds for a hundred thousand X-rays. Raises ValueError unless both classes are
    present.
    """
    truth, p = check_two_classes(labels, probabilities)
    clusters = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    parts = _Parts.of(truth, p, clusters)
    return _area(parts.area, parts.covariance(parts), parts.clusters)


def area_and_variance(
    labels: ArrayLike, probabilities: ArrayLike, clusters: Ints
) -> tuple[float, float]:
    """Return the area under the ROC curve and its variance, clustered by patient (N,).

    Raises ValueError unless both classes are present.
    """
    truth, p = check_two_classes(labels, probabilities)
    parts = _Parts.of(truth, p, clusters)
    return parts.area, max(0.0, parts.covariance(parts))


def _area(value: float, variance: float, patients: tuple[int, int]) -> Estimate:
    """Return an area with its interval; Newcombe's interval where the variance is 0."""
    varies = variance > _NOTHING
    ends = (
        _ends(value, math.sqrt(variance), 0.0, 1.0) if varies else area_interval(value, *patients)
    )
    return Estimate(value, *ends)


def _ends(value: float, spread: float, lowest: float, highest: float) -> tuple[float, float]:
    if spread <= 0:
        return math.nan, math.nan
    half = float(ndtri(0.975)) * spread
    return max(lowest, value - half), min(highest, value + half)


@dataclass(frozen=True, eq=False)
class _Parts:
    """The structural components of an area, summed per cluster: ill (I,) and normal (I,).

    An X-ray's component is the share of X-rays of the other class that it is correctly ranked
    against.
    """

    area: float
    ill: Floats
    normal: Floats
    films: tuple[int, int]
    clusters: tuple[int, int]

    @classmethod
    def of(cls, truth: Ints, p: Floats, clusters: Ints) -> "_Parts":
        ill = truth == 1
        positives, negatives = int(ill.sum()), int((~ill).sum())
        everyone = ranks(p)
        part = np.empty(len(p))
        part[ill] = (everyone[ill] - ranks(p[ill])) / negatives
        part[~ill] = 1 - (everyone[~ill] - ranks(p[~ill])) / positives
        area = float(part[ill].mean())

        def sum_by_cluster(films: NDArray[np.bool_]) -> Floats:
            return np.bincount(clusters, weights=np.where(films, part - area, 0.0)).astype(float)

        there = (len(np.unique(clusters[ill])), len(np.unique(clusters[~ill])))
        return cls(area, sum_by_cluster(ill), sum_by_cluster(~ill), (positives, negatives), there)

    def covariance(self, other: "_Parts") -> float:
        """Return the covariance of both areas over the clusters."""
        positives, negatives = self.films
        ill = _unbiased(self.clusters[0]) * float(self.ill @ other.ill) / positives**2
        normal = _unbiased(self.clusters[1]) * float(self.normal @ other.normal) / negatives**2
        crossed = float(self.ill @ other.normal + self.normal @ other.ill)
        between = _unbiased(len(self.ill)) * crossed / (positives * negatives)
        return ill + normal + between


def _unbiased(clusters: int) -> float:
    return clusters / (clusters - 1) if clusters > 1 else 0.0
