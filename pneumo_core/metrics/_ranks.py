"""Ranks, without the import of scipy.stats until they are needed."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["ranks"]


def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks of values (N,), from 1; equal values share their mean rank."""
    from scipy.stats import rankdata  # takes a second to import

    return np.asarray(rankdata(values), dtype=np.float64)
