"""Thresholds by purpose: balanced, screening, least cost."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import logit

from pneumo_core.metrics._checks import check_two_classes
from pneumo_core.metrics.rates import wilson_interval

__all__ = [
    "balanced_threshold",
    "cost_threshold",
    "screening_threshold",
    "sensitivity_threshold",
]


def balanced_threshold(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Return the threshold with the best balance of sensitivity and specificity.

    Balance is Youden's index, sensitivity + specificity - 1 (1950, doi
    10.1002/1097-0142(1950)3:1<32::AID-CNCR28200301 06>3.0.CO;2-3). On few X-rays two or three of
    them decide its maximum, so all thresholds whose index lies within one standard error of the
    maximum count as equal (the rule of Breiman et al. 1984, Classification and Regression Trees),
    and the one nearest to 0.5, where a calibrated checkpoint finds both labels equally likely, is
    returned. Raises ValueError unless both classes are present.
    """
    truth, p = check_two_classes(labels, probabilities)
    known = np.unique(p)
    candidates = np.append((known[1:] + known[:-1]) / 2, [0.0, 0.5])
    ill, normal = np.sort(p[truth == 1]), np.sort(p[truth == 0])
    sensitivity = 1 - np.searchsorted(ill, candidates) / len(ill)
    specificity = np.searchsorted(normal, candidates) / len(normal)
    index = sensitivity + specificity
    best = int(np.argmax(index))
    variance = sensitivity * (1 - sensitivity) / len(ill)
    variance += specificity * (1 - specificity) / len(normal)
    equal = candidates[index >= index[best] - math.sqrt(variance[best])]
    far = np.abs(logit(np.clip(equal, 1e-9, 1 - 1e-9)))
    return float(equal[np.argmin(far)])


def sensitivity_threshold(
    labels: ArrayLike, probabilities: ArrayLike, *, at_least: float = 0.99
) -> float:
    """Return the highest threshold with a sensitivity of ``at_least``."""
    truth, p = check_two_classes(labels, probabilities)
    positive = np.sort(p[truth == 1])[::-1]
    needed = math.ceil(at_least * len(positive) - 1e-9)
    return float(positive[max(needed, 1) - 1])


def screening_threshold(
    labels: ArrayLike, probabilities: ArrayLike, *, at_least: float = 0.99, surely: float = 0.985
) -> float:
    """Return the highest threshold suitable for screening, at most the balanced one.

    Its sensitivity is ``at_least``, and the lower end of its 95 % Wilson interval is ``surely``, or
    as high as the number of X-rays with PNEUMONIA allows. Where the classes are well separated
    these alone would give a threshold above the balanced one, which would miss more. Raises
    ValueError unless both classes are present.
    """
    truth, _ = check_two_classes(labels, probabilities)
    ill = int(truth.sum())
    highest = wilson_interval(ill, ill)[0]
    found = np.arange(math.ceil(at_least * ill - 1e-9), ill + 1)
    lower = np.array([wilson_interval(int(n), ill)[0] for n in found])
    enough = found[lower >= min(surely, highest)][0] / ill
    high = sensitivity_threshold(labels, probabilities, at_least=float(enough))
    return min(high, balanced_threshold(labels, probabilities))


def cost_threshold(
    labels: ArrayLike, probabilities: ArrayLike, *, missed: float, prevalence: float | None = None
) -> float:
    """Return the threshold of least cost, where one miss costs as much as ``missed`` false alarms.

    Costs are for ``prevalence`` in (0, 1) of PNEUMONIA, by default that of ``labels``. The
    threshold is the probability of one of the X-rays, or 1; the lowest among equals. Raises
    ValueError unless both classes are present and ``missed`` is positive.
    """
    truth, p = check_two_classes(labels, probabilities)
    share = float(truth.mean()) if prevalence is None else prevalence
    if not (missed > 0 and 0 < share < 1):
        raise ValueError(f"need missed > 0 and 0 < prevalence < 1, not {missed} and {share}")
    candidates = np.unique(np.append(p, 1.0))
    ill, normal = np.sort(p[truth == 1]), np.sort(p[truth == 0])
    misses = np.searchsorted(ill, candidates, side="left") / len(ill)
    alarms = 1 - np.searchsorted(normal, candidates, side="left") / len(normal)
    cost = missed * share * misses + (1 - share) * alarms
    return float(candidates[np.argmin(cost)])
