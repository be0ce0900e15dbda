"""Calibration of probabilities: how it is measured, and how it is fitted."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from pneumo_core.metrics._checks import Floats, Ints, check_arrays, check_two_classes
from pneumo_core.metrics.rates import wilson_interval

__all__ = [
    "BINS",
    "Calibration",
    "ReliabilityBin",
    "bin_gaps",
    "bin_of",
    "brier_score",
    "expected_calibration_error",
    "fit_calibration",
    "reliability",
]

BINS = 15


@dataclass(frozen=True)
class Calibration:
    """The map from a margin to a probability: sigmoid(margin / temperature + offset).

    ``fit_calibration`` gives no offset; checkpoints of earlier versions may have one.
    """

    temperature: float = 1.0
    offset: float = 0.0

    def probabilities(self, margins: ArrayLike) -> NDArray[np.float32]:
        """Return P(pneumonia) float32 in [0, 1] for margins float (N,)."""
        scaled = np.asarray(margins, dtype=np.float64) / self.temperature + self.offset
        return np.asarray(expit(scaled), dtype=np.float32)


@dataclass(frozen=True)
class ReliabilityBin:
    """One point of a reliability diagram: count, mean probability, and share with PNEUMONIA.

    ``low`` and ``high``: Wilson's 95 % interval of the share.
    """

    n: int
    probability: float
    share: float
    low: float
    high: float


def bin_of(probabilities: Floats, bins: int = BINS) -> Ints:
    """Return the index of the equal-width bin of each probability; 1 lies in the last bin."""
    return np.minimum((probabilities * bins).astype(np.int64), bins - 1)


def bin_gaps(labels: Ints, probabilities: Floats, bins: int = BINS) -> Floats:
    """Return label - probability in the column of each X-ray's bin, else 0: float (N, bins)."""
    gaps = np.zeros((len(labels), bins))
    gaps[np.arange(len(labels)), bin_of(probabilities, bins)] = labels - probabilities
    return gaps


def expected_calibration_error(
    labels: ArrayLike, probabilities: ArrayLike, *, bins: int = BINS
) -> float:
    """Return the expected calibration error of P(pneumonia), in [0, 1], over equal-width bins.

    The mean over X-rays of |share of PNEUMONIA in the X-ray's bin - mean probability in that bin|
    (Naeini et al. 2015, doi 10.1609/aaai.v29i1.9602, for the positive class).
    """
    truth, p = check_arrays(labels, probabilities)
    if not len(p):
        return math.nan
    gaps = np.bincount(bin_of(p, bins), weights=truth - p, minlength=bins)
    return float(np.abs(gaps).sum() / len(p))


def brier_score(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Return the mean squared difference of probability and label, in [0, 1]; 0 is best.

    Brier 1950, doi 10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2, halved as is usual for two
    classes. NaN over no X-rays.
    """
    truth, p = check_arrays(labels, probabilities)
    return float(np.mean((p - truth) ** 2)) if len(p) else math.nan


def reliability(
    labels: ArrayLike, probabilities: ArrayLike, *, bins: int = BINS
) -> list[ReliabilityBin]:
    """Return the points of the reliability diagram, lowest probability first, no empty bins.

    Points of a calibrated model lie on the diagonal (DeGroot and Fienberg 1983, doi
    10.2307/2987588).
    """
    truth, p = check_arrays(labels, probabilities)
    where = bin_of(p, bins)
    points = []
    for each in np.unique(where):
        ill, likely = truth[where == each], p[where == each]
        low, high = wilson_interval(int(ill.sum()), len(ill))
        points.append(ReliabilityBin(len(ill), float(likely.mean()), float(ill.mean()), low, high))
    return points


def fit_calibration(labels: ArrayLike, margins: ArrayLike) -> Calibration:
    """Fit the temperature that calibrates ``margins``, giving both classes the same weight.

    ``margins`` float (N,) are logit(PNEUMONIA) - logit(NORMAL). Temperature scaling (Guo et al.
    2017, arXiv:1706.04599) by cross-entropy, with targets that keep a perfect separation finite
    (Platt 1999, Probabilistic outputs for support vector machines). No offset is fitted: the
    prevalence among validation X-rays, and how hard they are, depends on how they were selected and
    does not carry over to other hospitals. The temperature is limited to [0.05, 20]. Raises
    ValueError unless both classes are present.
    """
    from scipy.optimize import minimize_scalar  # takes a second to import

    margin = np.asarray(margins, dtype=np.float64)
    truth, _ = check_two_classes(labels, expit(margin))
    positives = int(truth.sum())
    negatives = len(truth) - positives
    target = np.where(truth == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    weight = np.where(truth == 1, 0.5 / positives, 0.5 / negatives)

    def cross_entropy(log_temperature: float) -> float:
        scaled = margin / math.exp(log_temperature)
        return float(np.sum(weight * (np.logaddexp(0.0, scaled) - target * scaled)))

    bounds = (math.log(0.05), math.log(20))
    found = minimize_scalar(cross_entropy, bounds=bounds, method="bounded")
    return Calibration(temperature=float(math.exp(found.x)))
