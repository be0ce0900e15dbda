"""Checks of the input that the metrics share."""

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Floats", "Ints", "check_arrays", "check_two_classes", "ratio"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


def check_arrays(labels: ArrayLike, probabilities: ArrayLike) -> tuple[Ints, Floats]:
    truth = np.asarray(labels, dtype=np.int64)
    p = np.asarray(probabilities, dtype=np.float64)
    if truth.shape != p.shape or truth.ndim != 1:
        raise ValueError(f"labels {truth.shape} and probabilities {p.shape} must both be (N,)")
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("labels must be 0 (NORMAL) or 1 (PNEUMONIA)")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("probabilities must lie in [0, 1]")
    return truth, p


def check_two_classes(labels: ArrayLike, probabilities: ArrayLike) -> tuple[Ints, Floats]:
    truth, p = check_arrays(labels, probabilities)
    if len(np.unique(truth)) < 2:
        raise ValueError("a threshold needs X-rays of both classes")
    return truth, p


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
