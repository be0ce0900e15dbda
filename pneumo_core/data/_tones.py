"""From stored values to grey in [0, 1]: scales, windows, lookup tables, luma.

Every array that leaves is a float32 of its own; what comes in is left as it was, save by
``stretch`` and for ``out``.
"""

import math
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pneumo_core.data.radiograph import Window

Grey = npt.NDArray[np.float32]

_LUMA = (0.299, 0.587, 0.114)
_VISIBLE_COLOUR = 6 / 255
"""Mean difference between the channels; JPEG noise on grey films stays below 2 / 255."""
_SAMPLE_SIDE = 256
"""Side, in pixels, of the coarse grid on which colour is looked for."""
_STRIP = 1 << 20
"""Pixels that are taken at once where there are copies on the way: a film has up to 100 million."""


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


def windowed(values: npt.NDArray[Any], window: Window, *, out: Grey | None = None) -> Grey | None:
    """Grey over the window (PS3.3 C.11.2.1.2 and C.11.2.1.3); None where the window shows nothing.

    A window shows nothing when its width is below what its function allows (1 for linear, above 0
    for the others) or when all values lie on one side of it. ``out`` takes the grey, and may be
    the values themselves.
    """
    center, width = window.center, window.width
    if width < 1 if window.function == "linear" else width <= 0:
        return None
    lowest, highest = float(values.min()), float(values.max())
    if center + width / 2 <= lowest or center - width / 2 >= highest:
        return None
    if window.function == "sigmoid":
        return _sigmoid(values, center, width, out)
    if window.function == "linear":
        center, width = center - 0.5, width - 1
    if width == 0:  # a linear window of width 1 is a threshold
        return (values > center).astype(np.float32)
    grey: Grey = np.subtract(values, np.float32(center - width / 2), out=out, dtype=np.float32)
    grey /= np.float32(width)
    return np.clip(grey, 0, 1, out=grey)


def _sigmoid(values: npt.NDArray[Any], center: float, width: float, out: Grey | None) -> Grey:
    grey: Grey = np.subtract(values, np.float32(center), out=out, dtype=np.float32)
    grey *= np.float32(-4 / width)
    np.clip(grey, -80, 80, out=grey)  # exp stays finite in float32
    np.exp(grey, out=grey)
    grey += 1
    return np.reciprocal(grey, out=grey)


def looked_up(values: npt.NDArray[Any], table: Grey, first: int) -> Grey:
    """table[values - first]; values outside the table take its first or last entry."""
    grey: Grey = np.empty(values.shape, np.float32)
    for rows in _strips(values):
        part = values[rows]
        whole = np.rint(part) if part.dtype.kind == "f" else part
        index = np.clip(whole.astype(np.int64) - first, 0, len(table) - 1)
        grey[rows] = table[index]
    return grey


class Colours(Protocol):
    """Channels (H, W, 3+) that are asked for in parts."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, place: tuple[Any, ...], /) -> npt.NDArray[Any]: ...


def luma(colour: Colours, full: float) -> Grey:
    """Rec. 601 luma of (H, W, 3+) channels that reach `full`, as float32 (H, W) in [0, 1]."""
    grey: Grey = np.empty(colour.shape[:2], np.float32)
    weights = [np.float32(weight / full) for weight in _LUMA]
    for rows in _strips(grey):
        part = grey[rows]
        np.multiply(colour[rows, :, 0], weights[0], out=part, dtype=np.float32)
        for channel in (1, 2):
            part += np.multiply(colour[rows, :, channel], weights[channel], dtype=np.float32)
        np.clip(part, 0, 1, out=part)
    return grey


def _strips(film: npt.NDArray[Any]) -> Iterator[slice]:
    """Rows of a film that are taken at once."""
    height, width = film.shape[:2]
    rows = max(1, _STRIP // max(1, width))
    yield from (slice(top, top + rows) for top in range(0, height, rows))


def carries_colour(colour: Colours, full: float) -> bool:
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
