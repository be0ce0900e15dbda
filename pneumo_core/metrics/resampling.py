"""Intervals by drawing patients again and again, for figures that have no formula of their own."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pneumo_core.metrics._checks import Floats, Ints, checked

__all__ = ["LEAST_PATIENTS", "Resampling", "interval"]

LEAST_PATIENTS = 5
"""Fewer patients can't be drawn in the 40 different ways that the ends of a 95 % interval need: 4
can in 35, 5 in 126."""

_AT_ONCE = 2_000_000
"""Numbers of weights in memory at a time."""


@dataclass(frozen=True, eq=False)
class Resampling:
    """Bootstrap draws of whole groups (patients), not films.

    Films of one patient resemble each other, so resampling films would promise too much
    (Field and Welsh 2007, doi 10.1111/j.1467-9868.2007.00593.x). ``drawn`` int (repeats, G) says
    how often a draw holds each group, ``group_of`` int (N,) to which group a film belongs. Two
    checkpoints on the same films share one resampling, so their draws can be compared.
    """

    drawn: NDArray[np.int16]
    group_of: Ints

    @classmethod
    def of(cls, groups: ArrayLike, *, repeats: int = 1000, seed: int = 0) -> "Resampling":
        """Draws for films whose group (patient) is named by ``groups`` (N,)."""
        names, group_of = np.unique(np.asarray(groups), return_inverse=True)
        random = np.random.default_rng(seed)
        drawn = np.zeros((repeats, len(names)), np.int16)
        for draw in range(repeats):
            picked = random.integers(max(1, len(names)), size=len(names))
            drawn[draw] = np.bincount(picked, minlength=len(names))
        return cls(drawn, group_of.reshape(-1).astype(np.int64))

    @property
    def patients(self) -> int:
        """Groups that are drawn."""
        return int(self.drawn.shape[1])

    def patients_of(self, films: ArrayLike) -> int:
        """How many groups have one of these films, bool (N,)."""
        return len(np.unique(self.group_of[np.asarray(films, dtype=bool)]))

    def interval(self, figures: Floats) -> tuple[float, float]:
        """The 95 % interval of a figure by its draws (repeats,); NaN for too few patients."""
        return interval(figures) if self.patients >= LEAST_PATIENTS else (math.nan, math.nan)

    def sums(self, values: ArrayLike) -> Floats:
        """The sum over each draw's films of values (N, K) a film: float (repeats, K)."""
        rows = np.asarray(values, dtype=np.float64)
        self._check(len(rows))
        of_group = np.zeros((self.drawn.shape[1], rows.shape[1]))
        np.add.at(of_group, self.group_of, rows)
        return np.asarray(self.drawn @ of_group, dtype=np.float64)

    def areas_under_roc(self, labels: ArrayLike, probabilities: ArrayLike) -> Floats:
        """The area under the ROC curve of each draw: float (repeats,), NaN for one class alone."""
        truth, p = checked(labels, probabilities)
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
            raise ValueError(f"groups name {len(self.group_of)} films, not {films}")


def interval(draws: Floats) -> tuple[float, float]:
    """Return the 95 % percentile interval of draws (repeats,), without those that are NaN.

    Draws that are all the same say nothing about the figure's precision: NaN, as for no draws.
    """
    kept = draws[~np.isnan(draws)]
    if not len(kept) or np.ptp(kept) < 1e-12:
        return math.nan, math.nan
    low, high = np.quantile(kept, [0.025, 0.975])
    return float(low), float(high)


def _areas(ill: Floats, normal: Floats, starts: Ints) -> Floats:
    """Areas of draws: weights (repeats, N) in ascending order, equal scores from ``starts`` on."""
    if not len(starts):
        return np.full(len(ill), np.nan)
    ill_at, normal_at = (np.add.reduceat(each, starts, axis=1) for each in (ill, normal))
    below = np.cumsum(normal_at, axis=1) - normal_at
    won = np.sum(ill_at * (below + normal_at / 2), axis=1)
    pairs = ill.sum(axis=1) * normal.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(pairs > 0, won / pairs, np.nan)
