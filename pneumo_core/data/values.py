"""A film's values before any window, so that a page can show it through another one."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumo_core.data._tones import windowed
from pneumo_core.data.radiograph import Window

__all__ = ["FilmValues", "window_over"]

_SAMPLED = 512
"""Side of the coarse grid on which percentiles are counted."""


@dataclass(frozen=True, eq=False)
class FilmValues:
    """Values float32 (H, W), finite, in the unit that the file's windows speak of.

    ``inverted``: whether the lowest value is the densest (MONOCHROME1).
    """

    values: NDArray[np.float32]
    inverted: bool

    def through(self, window: Window) -> NDArray[np.float32]:
        """The film seen through a window: float32 (H, W) in [0, 1], bright = dense.

        A window beside all values shows what it would on any screen: all black or all white.
        """
        grey = windowed(self.values, window)
        if grey is None:
            grey = (self.values > window.center).astype(np.float32)
        return np.subtract(1, grey, out=grey) if self.inverted else grey

    def full_range(self) -> Window:
        """The window from the lowest to the highest value."""
        lowest, highest = float(self.values.min()), float(self.values.max())
        return window_over(lowest, highest, "Full range")

    def percentiles(self, low: float = 1.0, high: float = 99.0) -> Window:
        """The window between two percentiles (0 to 100) of a coarse grid of the values."""
        step = max(1, math.isqrt(self.values.size) // _SAMPLED)
        lowest, highest = np.percentile(self.values[::step, ::step], (low, high))
        return window_over(float(lowest), float(highest), f"Percentiles {low:g} to {high:g}")


def window_over(lowest: float, highest: float, name: str) -> Window:
    """The window that shows ``lowest`` black and ``highest`` white."""
    width = max(highest - lowest, float(np.finfo(np.float32).eps) * max(1.0, abs(lowest)))
    return Window((lowest + highest) / 2, width, name, "linear_exact")
