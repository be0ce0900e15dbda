"""Correction for several tests at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["holm"]


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return p values (K,) corrected for K tests by Holm's step-down method, in the same order.

    The smallest is multiplied by K, the next by K - 1, and so on; none gets smaller than the one
    before it or larger than 1. NaN, a test that could not be done, stays NaN and is not counted.
    Holm 1979, Scand J Stat 6:65-70.
    """
    given = np.asarray(p, float)
    corrected = np.full(given.shape, np.nan)
    known = np.flatnonzero(~np.isnan(given))
    order = known[np.argsort(given[known], kind="stable")]
    steps = given[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(steps)) if len(order) else steps
    return corrected
