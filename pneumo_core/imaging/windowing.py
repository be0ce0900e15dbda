"""Values of an X-ray before any window, to show it through other windows."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumo_core.imaging.grey_values import Values, apply_curve, window_curve
from pneumo_core.imaging.radiograph import Window

__all__ = ["PixelValues", "window_over"]

_SAMPLED = 512
"""Side of the coarse grid on which percentiles are computed."""


@dataclass(frozen=True, eq=False)
class PixelValues:
    """Values float32 (H, W), finite, in the unit of the file's windows.

    ``inverted``: whether the lowest value is the densest (MONOCHROME1). ``padding``: bool (H, W),
    true for padding, which is shown black.
    """

    values: NDArray[np.float32]
    inverted: bool
    padding: NDArray[np.bool_] | None = None

    def through(self, window: Window) -> NDArray[np.float32]:
        """Return the X-ray through a window: float32 (H, W) in [0, 1], bright = dense.

        A window of zero width shows only black and white.
        """

        def threshold(values: Values) -> Values:
            return (values > window.center).astype(np.float64)

        grey = apply_curve(self.values, window_curve(window) or threshold)
        if self.inverted:
            np.subtract(1, grey, out=grey)
        if self.padding is not None:
            grey[self.padding] = 0
        return grey

    def turned(self, quarters: int) -> "PixelValues":
        """Return the X-ray rotated by quarter turns to the left."""
        padding = None if self.padding is None else np.rot90(self.padding, quarters)
        return PixelValues(np.rot90(self.values, quarters), self.inverted, padding)

    def full_range(self) -> Window:
        """Return the window from the lowest to the highest value, without padding."""
        shown = self._shown(self.values, 1)
        return window_over(float(shown.min()), float(shown.max()), "Full range")

    def percentiles(self, low: float = 1.0, high: float = 99.0) -> Window:
        """Return the window between two percentiles (0 to 100) of a coarse grid, no padding."""
        step = max(1, math.isqrt(self.values.size) // _SAMPLED)
        lowest, highest = np.percentile(self._shown(self.values, step), (low, high))
        return window_over(float(lowest), float(highest), f"Percentiles {low:g} to {high:g}")

    def _shown(self, values: NDArray[np.float32], step: int) -> NDArray[np.float32]:
        """Return every ``step``-th value that is not padding; all of them if everything is."""
        if self.padding is None or self.padding.all():
            return values[::step, ::step]
        return values[::step, ::step][~self.padding[::step, ::step]]


def window_over(lowest: float, highest: float, name: str) -> Window:
    """Return the window that shows ``lowest`` black and ``highest`` white."""
    width = max(highest - lowest, float(np.finfo(np.float32).eps) * max(1.0, abs(lowest)))
    return Window((lowest + highest) / 2, width, name, "linear_exact")
