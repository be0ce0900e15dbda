"""The check that a graph gives PyTorch's outputs; it does not import PyTorch."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["agrees", "random_images"]

_ROUNDING = 1e-4
"""The largest accepted difference, relative to the largest value."""


def random_images(size: int) -> NDArray[np.uint8]:
    """Return the three random X-rays uint8 (3, size, size) that graphs are checked with."""
    return np.random.default_rng(0).integers(0, 256, (3, size, size), dtype=np.uint8)


def agrees(given: NDArray[np.float32], wanted: NDArray[np.float32]) -> bool:
    """Return whether outputs differ by no more than rounding; not where one is not a number."""
    apart = float(np.abs(given - wanted).max())
    return apart <= _ROUNDING * max(1.0, float(np.abs(wanted).max()))
