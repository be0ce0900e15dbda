"""Conversion of values to grey in [0, 1]: scales, windows, luma, colour and tint.

Returned arrays are new float32 arrays; arguments are left unchanged, except by ``stretch``.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from pneumo_core.imaging.radiograph import Window

Grey: TypeAlias = npt.NDArray[np.float32]
Values: TypeAlias = npt.NDArray[np.float64]
Curve: TypeAlias = Callable[[Values], Values]
"""Vectorised function of values: float64 in, float64 of the same shape out."""

_LUMA = (0.299, 0.587, 0.114)
_VISIBLE_COLOUR = 6 / 255
"""Mean difference between the channels; JPEG noise on grey X-rays stays below 2 / 255."""
_SAMPLE_SIDE = 256
"""Side, in pixels, of the coarse grid on which colour is detected."""
_STRIP = 1 << 18
"""Pixels processed in one step where copies are needed; an image has up to 100 million."""
TINTED = "The picture has a uniform tint, like a scan of tinted film; it was read as greyscale."
_STRONGEST_TINT = 0.35
"""Largest difference of a tinted channel from the brightest one, as a share."""


def divide(values: npt.NDArray[Any], full: float) -> Grey:
    """Return values / full as float32."""
    grey: Grey = np.multiply(values, np.float32(1 / full), dtype=np.float32)
    return grey


def full_scale(largest: int) -> int:
    """Return the smallest 2^k - 1 >= `largest`, k >= 8: 12-bit X-rays come in 16-bit files."""
    return int((1 << max(8, largest.bit_length())) - 1)


def stretch(grey: Grey) -> None:
    """Scale values to [0, 1] in place; all 0 if they are all the same."""
    lowest, highest = grey.min(), grey.max()
    grey -= lowest
    if highest > lowest:
        grey /= highest - lowest


def range_curve(lowest: float, highest: float) -> Curve:
    """Return a curve from ``lowest`` to 0 and ``highest`` to 1; all 0 if they are the same."""
    width = highest - lowest

    def curve(values: Values) -> Values:
        return np.clip((values - lowest) / width, 0, 1) if width > 0 else np.zeros_like(values)

    return curve


def window_curve(window: Window) -> Curve | None:
    """Return the curve of a window (PS3.3 C.11.2.1.2 and C.11.2.1.3).

    None for a width below what its function allows: 1 for linear, above 0 for the others.
    """
    center, width = window.center, window.width
    if width < 1 if window.function == "linear" else width <= 0:
        return None
    if window.function == "sigmoid":
        return lambda values: 1 / (1 + np.exp(np.clip((values - center) * (-4 / width), -80, 80)))
    if window.function == "linear":
        center, width = center - 0.5, width - 1
    if width == 0:  # a linear window of width 1 is a threshold
        return lambda values: (values > center).astype(np.float64)
    return range_curve(center - width / 2, center + width / 2)


def apply_curve(values: npt.NDArray[Any], curve: Curve) -> Grey:
    """Return float32 (H, W): ``curve`` of each value, computed a few rows at a time."""
    grey: Grey = np.empty(values.shape, np.float32)
    for rows in strips(values):
        grey[rows] = curve(values[rows].astype(np.float64))
    return grey


class Colours(Protocol):
    """Channels (H, W, 3+) that can be sliced."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, place: tuple[Any, ...], /) -> npt.NDArray[Any]: ...


def luma(colour: Colours, full: float) -> Grey:
    """Return the Rec. 601 luma, float32 (H, W) in [0, 1], of (H, W, 3+) with white at `full`."""
    grey: Grey = np.empty(colour.shape[:2], np.float32)
    weights = [np.float32(weight / full) for weight in _LUMA]
    for rows in strips(grey):
        part = grey[rows]
        np.multiply(colour[rows, :, 0], weights[0], out=part, dtype=np.float32)
        for channel in (1, 2):
            part += np.multiply(colour[rows, :, channel], weights[channel], dtype=np.float32)
        np.clip(part, 0, 1, out=part)
    return grey


def luma_curve(red: Curve, green: Curve, blue: Curve) -> Curve:
    """Return the curve of the Rec. 601 luma of three channels, each a curve of the same values."""
    return lambda values: sum(
        (weight * curve(values) for weight, curve in zip(_LUMA, (red, green, blue), strict=True)),
        np.zeros_like(values),
    )


def strips(film: npt.NDArray[Any]) -> Iterator[slice]:
    """Yield slices of rows to process in one step."""
    height, width = film.shape[:2]
    rows = max(1, _STRIP // max(1, width))
    yield from (slice(top, top + rows) for top in range(0, height, rows))


def colour_sample(colour: Colours) -> npt.NDArray[Any]:
    """Return channels (H, W, 3+) on a coarse grid."""
    step = colour_step(*colour.shape[:2])
    return colour[::step, ::step]


def colour_step(height: int, width: int) -> int:
    """Return the spacing of the coarse grid, in pixels."""
    return max(1, math.isqrt(height * width) // _SAMPLE_SIDE)


def sampled_colour(colour: npt.NDArray[Any], full: float) -> bool:
    """Return whether channels (..., 3+) with white at ``full`` differ by more than JPEG noise."""
    return _chroma(colour) > _VISIBLE_COLOUR * full


def _chroma(channels: npt.NDArray[Any]) -> float:
    """Return the mean difference between the brightest and the darkest of three channels."""
    red, green, blue = channels[..., 0], channels[..., 1], channels[..., 2]
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return float(spread.mean())


@dataclass(frozen=True)
class Tint:
    """A uniform colour over a grey picture: its brightest channel as a line over the luma."""

    gain: float
    offset: float

    def remove_from(self, grey: Grey) -> None:
        """Scale luma in place to the brightest channel, so that tinted white becomes white."""
        grey *= np.float32(self.gain)
        grey += np.float32(self.offset)
        np.clip(grey, 0, 1, out=grey)


def tint_of(colour: npt.NDArray[Any], full: float) -> Tint | None:
    """Return the tint of channels (..., 3+) with white at ``full``; None for more than one colour.

    With one tint, every channel is a straight line over the luma, and none is much weaker.
    """
    channels = divide(colour[..., :3], full).reshape(-1, 3).astype(np.float64)
    grey = channels @ np.array(_LUMA)
    centred = grey - grey.mean()
    power = float(centred @ centred)
    if power <= 0:
        return None
    gains = (channels - channels.mean(axis=0)).T @ centred / power
    offsets = channels.mean(axis=0) - gains * grey.mean()
    brightest = int(np.argmax(gains + offsets))
    weakest = (gains + offsets).min() / (gains + offsets).max()
    left = channels - (np.outer(grey, gains) + offsets)
    if gains.min() <= 0 or weakest < 1 - _STRONGEST_TINT or _chroma(left) > _VISIBLE_COLOUR:
        return None
    return Tint(float(gains[brightest]), float(offsets[brightest]))
