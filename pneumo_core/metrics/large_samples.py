"""Intervals for many patients without resampling, in seconds for a million X-rays."""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from pneumo_core.metrics._checks import Floats, Ints, check_arrays
from pneumo_core.metrics.paired import area_and_variance
from pneumo_core.metrics.resampling import Resampling, interval

__all__ = ["MANY_PATIENTS", "Draws", "NormalDraws", "draws_of"]

MANY_PATIENTS = 20_000
"""From so many patients on, draws come from the normal distribution of the sums. A thousand
resamples of 20,000 take as long as all other metrics of a million X-rays."""


class Draws(Protocol):
    """What intervals are computed from: resampled patients, or normal draws."""

    @property
    def patients(self) -> int: ...

    def patients_of(self, films: ArrayLike) -> int: ...

    def interval(self, figures: Floats) -> tuple[float, float]: ...

    def sums(self, values: ArrayLike) -> Floats: ...

    def areas_under_roc(self, labels: ArrayLike, probabilities: ArrayLike) -> Floats: ...


@dataclass(frozen=True, eq=False)
class NormalDraws:
    """Draws of what a bootstrap of patients would give, from its limit for many patients.

    A bootstrapped sum over patients is asymptotically normal, with the sum over the X-rays as mean
    and the patients' covariance times their number as covariance (Efron and Tibshirani 1993, An
    Introduction to the Bootstrap, chapter 5); areas under the ROC curve have DeLong's variance,
    clustered by patient. ``group_of`` int (N,): the patient of each X-ray.
    """

    group_of: Ints
    patients: int
    repeats: int = 1000
    seed: int = 0

    @classmethod
    def of(cls, groups: ArrayLike, *, repeats: int = 1000, seed: int = 0) -> "NormalDraws":
        """Prepare draws for X-rays whose patient is given by ``groups`` (N,)."""
        names, codes = np.asarray(groups).tolist(), dict[object, int]()
        numbers = (codes.setdefault(name, len(codes)) for name in names)  # sorting takes longer
        group_of = np.fromiter(numbers, np.int64, len(names))
        return cls(group_of, len(codes), repeats, seed)

    def patients_of(self, films: ArrayLike) -> int:
        """Return how many patients have at least one of the X-rays selected by a bool (N,)."""
        return len(np.unique(self.group_of[np.asarray(films, dtype=bool)]))

    def interval(self, figures: Floats) -> tuple[float, float]:
        """Return the 95 % interval of a metric's draws (repeats,)."""
        return interval(figures)

    def sums(self, values: ArrayLike) -> Floats:
        """Return draws of the sum of per-X-ray values (N, K): float (repeats, K)."""
        rows = np.asarray(values, dtype=np.float64)
        columns = [
            np.bincount(self.group_of, weights=column, minlength=self.patients) for column in rows.T
        ]
        of_patient = np.column_stack(columns)
        centred = of_patient - of_patient.mean(axis=0)
        random = np.random.default_rng(self.seed)
        drawn = random.standard_normal((self.repeats, len(columns)))
        return np.asarray(of_patient.sum(axis=0) + drawn @ _root(centred.T @ centred))

    def areas_under_roc(self, labels: ArrayLike, probabilities: ArrayLike) -> Floats:
        """Return draws of the area under the ROC curve: float (repeats,); NaN with one class."""
        truth, p = check_arrays(labels, probabilities)
        if len(np.unique(truth)) < 2:
            return np.full(self.repeats, math.nan)
        area, variance = area_and_variance(truth, p, self.group_of)
        drawn = np.random.default_rng(self.seed).standard_normal(self.repeats)
        return np.asarray(np.clip(area + math.sqrt(variance) * drawn, 0.0, 1.0))


def draws_of(groups: ArrayLike, *, repeats: int = 1000, seed: int = 0) -> Draws:
    """Return a bootstrap of patients (N,), or normal draws for ``MANY_PATIENTS`` or more."""
    names = np.asarray(groups)
    if len(names) >= MANY_PATIENTS:
        draws = NormalDraws.of(names, repeats=repeats, seed=seed)
        if draws.patients >= MANY_PATIENTS:
            return draws
    return Resampling.of(names, repeats=repeats, seed=seed)


def _root(covariance: Floats) -> Floats:
    """Return R with R.T @ R = covariance (K, K), which may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))).T)
