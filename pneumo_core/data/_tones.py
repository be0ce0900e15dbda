"""From stored values to grey in [0, 1]: scales, windows, lookup tables, luma.

Every array that leaves is a float32 of its own; what comes in is left as it was, save by
``stretch``.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from pneumo_core.data.radiograph import Window

Grey = npt.NDArray[np.float32]

_LUMA = (0.299, 0.587, 0.114)
_VISIBLE_COLOUR = 6 / 255
"""Mean difference between the channels; JPEG noise on grey films stays below 2 / 255."""
_SAMPLE_SIDE = 256
"""Side, in pixels, of the coarse grid on which colour is looked for."""


def divided(values: npt.NDArray[Any], full: float) -> Grey:
    """values / full as float32."""
    grey: Grey = np.multiply(values, np.float32(1 / full), dtype=np.float32)
    return grey


def full_scale(largest: int) -> int:
    """The smallest 2^k - 1, k >= 8, that holds `largest`: 12-bit films lie in 16-bit files."""
    return int((1 << max(8, largest.bit_length())) - 1)


def full_range(values: npt.NDArray[Any]) -> Grey:
    """Darkest value 0, brightest 1; all 0 where every value is the same."""
    grey: Grey = values.astype(np.float32)
    stretch(grey)
    return grey


def stretch(grey: Grey) -> None:
    """``full_range``, in place."""
    lowest, highest = grey.min(), grey.max()
    grey -= lowest
    if highest > lowest:
        grey /= highest - lowest


def windowed(values: Grey, window: Window) -> Grey | None:
    """Grey over the window (PS3.3 C.11.2.1.2 and C.11.2.1.3); None where the window shows nothing.

    A window shows nothing when its width is below what its function allows (1 for linear, above 0
    for the others) or when all values lie on one side of it.
    """
    center, width = window.center, window.width
    if width < 1 if window.function == "linear" else width <= 0:
        return None
    lowest, highest = float(values.min()), float(values.max())
    if center + width / 2 <= lowest or center - width / 2 >= highest:
        return None
    if window.function == "sigmoid":
        return _sigmoid(values, center, width)
    if window.function == "linear":
        center, width = center - 0.5, width - 1
    if width == 0:  # a linear window of width 1 is a threshold
        return (values > center).astype(np.float32)
    grey = np.subtract(values, np.float32(center - width / 2), dtype=np.float32)
    grey /= np.float32(width)
    return np.clip(grey, 0, 1, out=grey)


def _sigmoid(values: Grey, center: float, width: float) -> Grey:
    grey = np.subtract(values, np.float32(center), dtype=np.float32)
    grey *= np.float32(-4 / width)
    np.clip(grey, -80, 80, out=grey)  # exp stays finite in float32
    np.exp(grey, out=grey)
    grey += 1
    return np.reciprocal(grey, out=grey)


def looked_up(values: npt.NDArray[Any], table: Grey, first: int) -> Grey:
    """table[values - first]; values outside the table take its first or last entry."""
    whole = np.rint(values) if values.dtype.kind == "f" else values
    index = np.clip(whole.astype(np.int64) - first, 0, len(table) - 1)
    return table[index]


def luma(colour: npt.NDArray[Any], full: float) -> Grey:
    """Rec. 601 luma of (H, W, 3+) channels that reach `full`, as float32 (H, W) in [0, 1]."""
    grey: Grey = np.multiply(colour[..., 0], np.float32(_LUMA[0] / full), dtype=np.float32)
    for channel in (1, 2):
        weight = np.float32(_LUMA[channel] / full)
        grey += np.multiply(colour[..., channel], weight, dtype=np.float32)
    return np.clip(grey, 0, 1, out=grey)


def carries_colour(colour: npt.NDArray[Any], full: float) -> bool:
    """Whether (H, W, 3+) channels that reach `full` differ by more than JPEG noise."""
    step = colour_step(*colour.shape[:2])
    return sampled_colour(colour[::step, ::step], full)


def colour_step(height: int, width: int) -> int:
    """How far apart, in pixels, the places lie where colour is looked for."""
    return max(1, math.isqrt(height * width) // _SAMPLE_SIDE)


def sampled_colour(colour: npt.NDArray[Any], full: float) -> bool:
    """``carries_colour`` of pixels that were picked every ``colour_step``."""
    sample = divided(colour[..., :3], full)
    red, green, blue = sample[..., 0], sample[..., 1], sample[..., 2]
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return float(spread.mean()) > _VISIBLE_COLOUR
