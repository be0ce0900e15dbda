"""Bootstrap intervals by resampling patients, for metrics without a closed formula."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pneumo_core.metrics._checks import Floats, Ints, check_arrays

__all__ = ["LEAST_PATIENTS", "Resampling", "interval"]

LEAST_PATIENTS = 5
"""The fewest patients for an interval. The ends of a 95 % interval need 40 different resamples; 4
patients give 35, 5 give 126."""

_AT_ONCE = 2_000_000
"""The most weights held in memory at a time."""


@dataclass(frozen=True, eq=False)
class Resampling:
    """Bootstrap draws of whole groups (patients), not X-rays.

    X-rays of one patient resemble each other, so resampling X-rays would give intervals that are
    too narrow (Field and Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x). ``drawn`` int (repeats,
    G): how often each draw contains each group; ``group_of`` int (N,): the group of each X-ray. Two
    checkpoints on the same X-rays share one resampling, so their draws are paired.
    """

    drawn: NDArray[np.int16]
    group_of: Ints

    @classmethod
    def of(cls, groups: ArrayLike, *, repeats: int = 1000, seed: int = 0) -> "Resampling":
        """Draw patients for X-rays whose patient is given by ``groups`` (N,)."""
        names, group_of = np.unique(np.asarray(groups), return_inverse=True)
        random = np.random.default_rng(seed)
        drawn = np.zeros((repeats, len(names)), np.int16)
        for draw in range(repeats):
            picked = random.integers(max(1, len(names)), size=len(names))
            drawn[draw] = np.bincount(picked, minlength=len(names))
        return cls(drawn, group_of.reshape(-1).astype(np.int64))

    @property
    def patients(self) -> int:
        """Number of groups."""
        return int(self.drawn.shape[1])

    def patients_of(self, films: ArrayLike) -> int:
        """Return how many groups have at least one of the X-rays selected by a bool (N,)."""
        return len(np.unique(self.group_of[np.asarray(films, dtype=bool)]))

    def interval(self, figures: Floats) -> tuple[float, float]:
        """Return the 95 % interval of a metric's draws (repeats,); NaN for too few patients."""
        return interval(figures) if self.patients >= LEAST_PATIENTS else (math.nan, math.nan)

    def sums(self, values: ArrayLike) -> Floats:
        """Return the sum of per-X-ray values (N, K) over each draw: float (repeats, K)."""
        rows = np.asarray(values, dtype=np.float64)
        self._check(len(rows))
        of_group = np.zeros((self.drawn.shape[1], rows.shape[1]))
        np.add.at(of_group, self.group_of, rows)
        return np.asarray(self.drawn @ of_group, dtype=np.float64)

    def areas_under_roc(self, labels: ArrayLike, probabilities: ArrayLike) -> Floats:
        """Return each draw's area under the ROC curve, float (repeats,); NaN with one class."""
        truth, p = check_arrays(labels, probabilities)
        self._check(len(truth))
        order = np.argsort(p, kind="stable")
        starts = np.flatnonzero(np.diff(p[order], prepend=-1.0))
        ill = truth[order] == 1
        areas = []
        at_once = max(1, _AT_ONCE // max(1, len(p)))
        for first in range(0, len(self.drawn), at_once):
            weights = self.drawn[first : first + at_once, self.group_of[order]].astype(np.float64)
            areas.append(_areas(weights * ill, weights * ~ill, starts))
        return np.concatenate(areas)

    def _check(self, films: int) -> None:
        if films != len(self.group_of):
            raise ValueError(f"the resampling is for {len(self.group_of)} X-rays, not {films}")


def interval(draws: Floats) -> tuple[float, float]:
    """Return the 95 % percentile interval of draws (repeats,), ignoring NaN.

    NaN where there are no draws, or all are equal, as they then don't show the metric's precision.
    """
    kept = draws[~np.isnan(draws)]
    if not len(kept) or np.ptp(kept) < 1e-12:
        return math.nan, math.nan
    low, high = np.quantile(kept, [0.025, 0.975])
    return float(low), float(high)


def _areas(ill: Floats, normal: Floats, starts: Ints) -> Floats:
    """Return each draw's area from weights (repeats, N) sorted by score; ``starts``: of ties."""
    if not len(starts):
        return np.full(len(ill), np.nan)
    ill_at, normal_at = (np.add.reduceat(each, starts, axis=1) for each in (ill, normal))
    below = np.cumsum(normal_at, axis=1) - normal_at
    won = np.sum(ill_at * (below + normal_at / 2), axis=1)
    pairs = ill.sum(axis=1) * normal.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs > 0, won / pairs, np.nan)
