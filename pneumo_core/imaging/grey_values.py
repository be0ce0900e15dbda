"""From values to grey in [0, 1]: scales, windows, luma, colour and tint.

Every array that leaves is a float32 of its own; what comes in is left as it was, save by
``stretch``.
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
"""What a value becomes, of many at once: float64 in, float64 of the same shape out."""

_LUMA = (0.299, 0.587, 0.114)
_VISIBLE_COLOUR = 6 / 255
"""Mean difference between the channels; JPEG noise on grey films stays below 2 / 255."""
_SAMPLE_SIDE = 256
"""Side, in pixels, of the coarse grid on which colour is looked for."""
_STRIP = 1 << 18
"""Pixels that are taken at once where there are copies on the way: a film has up to 100 million."""
TINTED = "The picture has a tint, as scans of coloured film have; it was read as grey."
_STRONGEST_TINT = 0.35
"""How much darker than the brightest channel a channel of tinted paper or glass may be."""


def divided(values: npt.NDArray[Any], full: float) -> Grey:
    """values / full as float32."""
    grey: Grey = np.multiply(values, np.float32(1 / full), dtype=np.float32)
    return grey


def full_scale(largest: int) -> int:
    """The smallest 2^k - 1, k >= 8, that holds `largest`: 12-bit films lie in 16-bit files."""
    return int((1 << max(8, largest.bit_length())) - 1)


def stretch(grey: Grey) -> None:
    """Darkest value 0, brightest 1; all 0 where every value is the same. In place."""
    lowest, highest = grey.min(), grey.max()
    grey -= lowest
    if highest > lowest:
        grey /= highest - lowest


def range_curve(lowest: float, highest: float) -> Curve:
    """``lowest`` becomes 0 and ``highest`` 1; everything 0 where they are the same."""
    width = highest - lowest

    def curve(values: Values) -> Values:
        return np.clip((values - lowest) / width, 0, 1) if width > 0 else np.zeros_like(values)

    return curve


def window_curve(window: Window) -> Curve | None:
    """Grey over the window (PS3.3 C.11.2.1.2 and C.11.2.1.3).

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


def toned(values: npt.NDArray[Any], curve: Curve) -> Grey:
    """Float32 (H, W): ``curve`` of each value, a few rows at a time."""
    grey: Grey = np.empty(values.shape, np.float32)
    for rows in strips(values):
        grey[rows] = curve(values[rows].astype(np.float64))
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
    for rows in strips(grey):
        part = grey[rows]
        np.multiply(colour[rows, :, 0], weights[0], out=part, dtype=np.float32)
        for channel in (1, 2):
            part += np.multiply(colour[rows, :, channel], weights[channel], dtype=np.float32)
        np.clip(part, 0, 1, out=part)
    return grey


def luma_curve(red: Curve, green: Curve, blue: Curve) -> Curve:
    """Rec. 601 luma of three channels, each a curve of the same values."""
    return lambda values: sum(
        (weight * curve(values) for weight, curve in zip(_LUMA, (red, green, blue), strict=True)),
        np.zeros_like(values),
    )


def strips(film: npt.NDArray[Any]) -> Iterator[slice]:
    """Rows of a film that are taken at once."""
    height, width = film.shape[:2]
    rows = max(1, _STRIP // max(1, width))
    yield from (slice(top, top + rows) for top in range(0, height, rows))


def colour_sample(colour: Colours) -> npt.NDArray[Any]:
    """The channels of (H, W, 3+) on a coarse grid."""
    step = colour_step(*colour.shape[:2])
    return colour[::step, ::step]


def colour_step(height: int, width: int) -> int:
    """How far apart, in pixels, the places lie where colour is looked for."""
    return max(1, math.isqrt(height * width) // _SAMPLE_SIDE)


def sampled_colour(colour: npt.NDArray[Any], full: float) -> bool:
    """Whether channels (..., 3+) that reach ``full`` differ by more than JPEG noise."""
    return _chroma(divided(colour[..., :3], full)) > _VISIBLE_COLOUR


def _chroma(channels: npt.NDArray[Any]) -> float:
    """Mean difference between the brightest and the darkest of three channels."""
    red, green, blue = channels[..., 0], channels[..., 1], channels[..., 2]
    spread = np.maximum(np.maximum(red, green), blue) - np.minimum(np.minimum(red, green), blue)
    return float(spread.mean())


@dataclass(frozen=True)
class Tint:
    """One colour that lies over a grey picture: its brightest channel by the picture's luma."""

    gain: float
    offset: float

    def remove_from(self, grey: Grey) -> None:
        """Make luma the grey of the brightest channel, in place: white paper becomes white."""
        grey *= np.float32(self.gain)
        grey += np.float32(self.offset)
        np.clip(grey, 0, 1, out=grey)


def tint_of(colour: npt.NDArray[Any], full: float) -> Tint | None:
    """The tint of channels (..., 3+) that reach ``full``; None where the colours are many.

    Of one tint, every channel is a straight line over the luma, and none is much weaker.
    """
    channels = divided(colour[..., :3], full).reshape(-1, 3).astype(np.float64)
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
