"""Probabilities and predictive values at another prevalence of pneumonia."""

import math
from statistics import NormalDist

from pneumo_core.metrics.rates import Estimate, predictive_values

__all__ = ["CALIBRATED_PREVALENCE", "adjusted_probability", "predictive_value_estimates"]

CALIBRATED_PREVALENCE = 0.5
"""The prevalence that a checkpoint's probabilities assume: ``fit_calibration`` gives both classes
the same weight, as if half of the X-rays showed PNEUMONIA."""

_Z = NormalDist().inv_cdf(0.975)


def adjusted_probability(
    probability: float, prevalence: float, *, assumed: float = CALIBRATED_PREVALENCE
) -> float:
    """Return a probability in [0, 1] adjusted to another prevalence, by Bayes' theorem on the odds.

    The odds are multiplied by the ratio of the odds of both prevalences (Saerens et al. 2002, doi
    10.1162/089976602753284446): 0.549 at a prevalence of 0.5 becomes 0.233 at 0.2. Raises
    ValueError for a probability outside [0, 1] or a prevalence outside (0, 1).
    """
    if not 0 <= probability <= 1:
        raise ValueError(f"probability must be in [0, 1], not {probability}")
    if not (0 < prevalence < 1 and 0 < assumed < 1):
        raise ValueError(f"prevalences must be between 0 and 1, not {prevalence} and {assumed}")
    ill = probability * prevalence / assumed
    healthy = (1 - probability) * (1 - prevalence) / (1 - assumed)
    return ill / (ill + healthy)


def predictive_value_estimates(
    sensitivity: float, specificity: float, prevalence: float, *, ill: int, healthy: int
) -> tuple[Estimate, Estimate]:
    """Return PPV and NPV at a prevalence in (0, 1), each with a 95 % interval.

    The logit intervals of Mercaldo, Lau and Zhou 2007 (doi 10.1002/sim.2677), from the number of
    X-rays that sensitivity (``ill``) and specificity (``healthy``) were measured on. Where one of
    both is 0 or 1, their adjusted interval: both rates are shrunk towards 0.5 by z² / 2 X-rays, and
    the interval is extended to include the estimate. Without X-rays, or for an unknown rate, there
    is no interval. Raises ValueError for a prevalence outside (0, 1).
    """
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence must be between 0 and 1, not {prevalence}")
    values = predictive_values(sensitivity, specificity, prevalence)
    if not (ill > 0 and healthy > 0) or math.isnan(sensitivity + specificity):
        return Estimate(values[0], math.nan, math.nan), Estimate(values[1], math.nan, math.nan)
    n_ill, n_healthy = float(ill), float(healthy)
    if {sensitivity, specificity} & {0.0, 1.0}:
        sensitivity, n_ill = _adjusted(sensitivity, n_ill)
        specificity, n_healthy = _adjusted(specificity, n_healthy)
    odds, alarms, misses = prevalence / (1 - prevalence), 1 - specificity, 1 - sensitivity
    positive = math.log(sensitivity / alarms * odds)
    negative = math.log(specificity / misses / odds)
    return (
        _interval(values[0], positive, _spread(sensitivity, n_ill) + _spread(alarms, n_healthy)),
        _interval(values[1], negative, _spread(misses, n_ill) + _spread(specificity, n_healthy)),
    )


def _adjusted(share: float, n: float) -> tuple[float, float]:
    """Return a rate shrunk towards 0.5, and its n (Agresti and Coull 1998, doi 10.2307/2685469)."""
    return (share * n + _Z**2 / 2) / (n + _Z**2), n + _Z**2


def _spread(share: float, n: float) -> float:
    """Return the variance of the logarithm of a share of n X-rays, by the delta method."""
    return (1 - share) / share / n


def _interval(value: float, logit: float, variance: float) -> Estimate:
    half = _Z * math.sqrt(variance)
    low, high = (1 / (1 + math.exp(-end)) for end in (logit - half, logit + half))
    known = not math.isnan(value)
    return Estimate(value, min(low, value) if known else low, max(high, value) if known else high)
