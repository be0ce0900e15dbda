"""Where to put the threshold, by what one wants of it."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit
from scipy.stats import norm
from scipy.stats.distributions import rv_frozen

from pneumo_core.metrics._checks import Floats, two_classes

__all__ = ["cost_threshold", "sensitivity_threshold", "youden_threshold"]


def youden_threshold(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """The threshold with the highest sensitivity + specificity - 1 (Youden 1950,
    doi 10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3), from smooth curves.

    Each class's logits are taken for normal (Schisterman and Perkins 2007,
    doi 10.1080/03610910701212181): where few validation films are called wrongly, the raw index is
    a staircase whose highest step two or three films decide. Raises ValueError when only one class
    is there.
    """
    truth, p = two_classes(labels, probabilities)
    logits = logit(np.clip(p, 1e-6, 1 - 1e-6))
    normal, ill = (_normal_curve(logits[truth == label]) for label in (0, 1))
    low, high = sorted((normal.mean(), ill.mean()))
    between = np.linspace(low, high, 2001)
    return float(expit(between[np.argmax(ill.sf(between) + normal.cdf(between))]))


def sensitivity_threshold(
    labels: ArrayLike, probabilities: ArrayLike, *, at_least: float = 0.99
) -> float:
    """The highest threshold whose sensitivity is still ``at_least``."""
    truth, p = two_classes(labels, probabilities)
    positive = np.sort(p[truth == 1])[::-1]
    needed = math.ceil(at_least * len(positive) - 1e-9)
    return float(positive[max(needed, 1) - 1])


def cost_threshold(
    labels: ArrayLike, probabilities: ArrayLike, *, missed: float, prevalence: float | None = None
) -> float:
    """The threshold that costs least, where a missed pneumonia costs ``missed`` false alarms.

    Costs are counted where ``prevalence`` of the films show PNEUMONIA (in (0, 1)), by default as
    many as here; the threshold is the probability of one of the films, or 1, and the lowest of
    those that cost the same. Raises ValueError when
    only one class is there or a number makes no sense.
    """
    truth, p = two_classes(labels, probabilities)
    share = float(truth.mean()) if prevalence is None else prevalence
    if not (missed > 0 and 0 < share < 1):
        raise ValueError(f"missed {missed} must be above 0, prevalence {share} in (0, 1)")
    candidates = np.unique(np.append(p, 1.0))
    ill, normal = np.sort(p[truth == 1]), np.sort(p[truth == 0])
    misses = np.searchsorted(ill, candidates, side="left") / len(ill)
    alarms = 1 - np.searchsorted(normal, candidates, side="left") / len(normal)
    cost = missed * share * misses + (1 - share) * alarms
    return float(candidates[np.argmin(cost)])


def _normal_curve(logits: Floats) -> rv_frozen:
    # A class whose films all score alike still has a curve.
    return norm(logits.mean(), max(float(logits.std()), 1e-3))
