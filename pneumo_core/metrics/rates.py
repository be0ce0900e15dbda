"""The confusion matrix at a threshold, and its rates with their intervals."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pneumo_core.metrics._checks import check_arrays, ratio
from pneumo_core.metrics.formatting import format_interval, format_rate

__all__ = [
    "Confusion",
    "Estimate",
    "confusion",
    "predictive_values",
    "rate",
    "wilson_interval",
]


@dataclass(frozen=True)
class Estimate:
    """A metric's value with its 95 % interval; NaN where unknown.

    As text: "0.951 (0.933–0.966)"; without an interval "0.980 (interval not known)"; without a
    value "not known". A value that rounds to 0 or 1 is a bound: "> 0.999 (0.977–1)"
    (``format_rate``).
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return self.text()

    def text(self, *, percent: bool = False) -> str:
        """Write the value with its interval, as number or percentage: "61.2 % (52.1–69.6 %)"."""
        figure = format_rate(self.value, percent=percent)
        if math.isnan(self.value):
            return figure
        known = self.low < self.high  # resampling a perfect result never varies
        interval = format_interval(self.low, self.high, percent=percent) if known else ""
        return f"{figure} ({interval or 'interval not known'})"


@dataclass(frozen=True)
class Confusion:
    """Counts of true and false negatives (NORMAL) and positives (PNEUMONIA)."""

    tn: int
    fp: int
    fn: int
    tp: int

    @property
    def n(self) -> int:
        """All X-rays."""
        return self.tn + self.fp + self.fn + self.tp

    @property
    def accuracy(self) -> float:
        """Share of all X-rays predicted correctly."""
        return ratio(self.tp + self.tn, self.n)

    @property
    def sensitivity(self) -> float:
        """Share of the PNEUMONIA X-rays predicted PNEUMONIA (recall)."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        """Share of the NORMAL X-rays predicted NORMAL."""
        return ratio(self.tn, self.tn + self.fp)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and sensitivity."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    def as_rows(self) -> list[list[int]]:
        """Return [[tn, fp], [fn, tp]], in scikit-learn's order."""
        return [[self.tn, self.fp], [self.fn, self.tp]]


def confusion(labels: ArrayLike, probabilities: ArrayLike, threshold: float) -> Confusion:
    """Count true and false predictions at the threshold."""
    truth, p = check_arrays(labels, probabilities)
    predicted = p >= threshold
    return Confusion(
        tn=int(np.sum(~predicted & (truth == 0))),
        fp=int(np.sum(predicted & (truth == 0))),
        fn=int(np.sum(~predicted & (truth == 1))),
        tp=int(np.sum(predicted & (truth == 1))),
    )


def wilson_interval(successes: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate (Wilson 1927, doi 10.1080/01621459.1927.10502953)."""
    if n == 0:
        return math.nan, math.nan
    from scipy.stats import binomtest  # takes a second to import

    interval = binomtest(successes, n).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)


def rate(successes: int, n: int) -> Estimate:
    """Return a rate with Wilson's interval; NaN over no X-rays."""
    return Estimate(ratio(successes, n), *wilson_interval(successes, n))


def predictive_values(
    sensitivity: float, specificity: float, prevalence: float
) -> tuple[float, float]:
    """Return the positive and negative predictive value at a prevalence of PNEUMONIA.

    Bayes' theorem (Altman and Bland 1994, doi 10.1136/bmj.309.6947.102). All in [0, 1]; NaN where
    no X-ray would be predicted so.
    """
    rates = (sensitivity, specificity, prevalence)
    if not all(math.isnan(each) or 0 <= each <= 1 for each in rates):
        raise ValueError(f"sensitivity, specificity and prevalence must be in [0, 1], not {rates}")
    tp, fn = sensitivity * prevalence, (1 - sensitivity) * prevalence
    tn, fp = specificity * (1 - prevalence), (1 - specificity) * (1 - prevalence)
    return ratio(tp, tp + fp), ratio(tn, tn + fn)
