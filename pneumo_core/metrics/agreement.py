"""Agreement between two sets of calls, neither of which is taken as the truth."""

import numpy as np
from numpy.typing import ArrayLike

from pneumo_core.metrics._checks import Floats
from pneumo_core.metrics.rates import Estimate
from pneumo_core.metrics.resampling import LEAST_PATIENTS, interval

__all__ = ["cohens_kappa"]


def cohens_kappa(
    first: ArrayLike, second: ArrayLike, *, repeats: int = 2000, seed: int = 0
) -> Estimate:
    """Return Cohen's kappa of two sets of calls (N,) of 0 and 1, with its interval.

    Agreement beyond chance: 1 for perfect agreement, 0 for agreement by chance (Cohen 1960, doi
    10.1177/001316446002000104). The 95 % interval comes from resampled X-rays. Kappa is NaN where
    both give every X-ray the same single label; its interval is NaN where the resamples don't vary,
    or the X-rays are too few.
    """
    one, other = (np.asarray(each, dtype=np.int64) for each in (first, second))
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(f"calls {one.shape} and {other.shape} must both be (N,)")
    if not (np.isin(one, (0, 1)).all() and np.isin(other, (0, 1)).all()):
        raise ValueError("calls must be 0 (NORMAL) or 1 (PNEUMONIA)")
    counts = np.bincount(2 * one + other, minlength=4)
    n = max(1, len(one))
    drawn = np.random.default_rng(seed).multinomial(n, counts / n, size=repeats)
    low, high = interval(_kappa(drawn)) if len(one) >= LEAST_PATIENTS else (np.nan, np.nan)
    return Estimate(float(_kappa(counts[np.newaxis])[0]), low, high)


def _kappa(counts: ArrayLike) -> Floats:
    """Return kappa of tables (T, 4), each the number of X-rays called 00, 01, 10 and 11."""
    tables = np.asarray(counts, dtype=np.float64).reshape(-1, 2, 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = tables / tables.sum(axis=(1, 2), keepdims=True)
        observed = shares[:, 0, 0] + shares[:, 1, 1]
        expected = np.sum(shares.sum(axis=1) * shares.sum(axis=2), axis=1)
        return np.where(expected < 1, (observed - expected) / (1 - expected), np.nan)
