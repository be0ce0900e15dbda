"""Properties of the pixels: grey values, sharpness, borders, marks. Pure functions.

Each takes the X-ray as a network sees it: float32 (S, S) in [0, 1], bright = dense. One size for
all makes sharpness and marks comparable between X-rays of different sizes.
"""

from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["SIDE", "Band", "fine_detail", "pixel_properties"]

Band: TypeAlias = tuple[float, float]

SIDE = 224
"""The side of the measured square, in pixels."""

_BLACK = 0.04
_FINE, _COARSE = (0.25, 0.5), (0.04, 0.15)  # cycles per pixel
_MARK_ABOVE = 0.14
"""The contrast of a mark above the image without structures up to ``_LARGEST_MARK``."""
_SMALLEST_MARK, _LARGEST_MARK = 5, 22
"""Sides of a mark, in pixels of 224: a letter to a short word."""
_MARK_PIXELS = 12
_MARK_CONTRAST = 0.2
_CALM = 0.25
"""Grey values around a mark vary by less than this share of its contrast; around a rib by more."""


def pixel_properties(grey: NDArray[np.float32]) -> dict[str, float]:
    """Measure every property of the pixels float32 (S, S); NaN in an image without detail."""
    low, high = np.percentile(grey, [5, 95])
    return {
        "brightness": float(grey.mean()),
        "contrast": float(high - low),
        "sharpness": fine_detail(grey, _FINE, _COARSE),
        "detail_direction": _detail_direction(grey),
        "black_border": _black_border(grey),
        "text_marks": _text_marks(grey),
    }


def fine_detail(grey: NDArray[np.floating], fine: Band, coarse: Band) -> float:
    """Return the power of fine detail of (S, S) relative to coarse detail, in decibels.

    ``fine``, ``coarse``: bands of spatial frequency, in cycles per pixel; 0.5 is the finest that
    pixels can show. NaN for an image without detail.
    """
    window, in_fine, in_coarse = _spectrum(len(grey), fine, coarse)
    power = np.abs(np.fft.rfft2((grey - grey.mean()) * window)) ** 2
    strong, weak = power[in_coarse].mean(), power[in_fine].mean()
    return float(10 * np.log10(weak / strong)) if strong > 0 and weak > 0 else float("nan")


@cache
def _spectrum(
    side: int, fine: Band, coarse: Band
) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
    """Return a Hann window float32 (S, S), and the fine and coarse cells of its half spectrum."""
    hann = np.hanning(side).astype(np.float32)
    radius = np.hypot(np.fft.fftfreq(side)[:, np.newaxis], np.fft.rfftfreq(side))
    in_fine, in_coarse = ((radius >= low) & (radius < high) for low, high in (fine, coarse))
    return np.outer(hann, hann), in_fine, in_coarse


def _detail_direction(grey: NDArray[np.float32]) -> float:
    across, down = (float(np.abs(np.diff(grey, axis=axis)).mean()) for axis in (1, 0))
    return across / down if across > 0 and down > 0 else float("nan")


def _black_border(grey: NDArray[np.float32]) -> float:
    """Return the share of black pixels connected to the edge."""
    black = np.pad(grey < _BLACK, 1, constant_values=True)
    parts, _ = ndimage.label(black)
    border = int(np.count_nonzero(parts == parts[0, 0])) - (black.size - grey.size)
    return border / grey.size


def _text_marks(grey: NDArray[np.float32]) -> float:
    """Return the share of pixels in small bright marks on a uniform background."""
    above = ndimage.white_tophat(grey, size=(17, 17)) > _MARK_ABOVE
    parts, _ = ndimage.label(above, np.ones((3, 3)))
    marked = 0
    for number, place in enumerate(ndimage.find_objects(parts), 1):
        sides = [part.stop - part.start for part in place]
        if max(sides) >= _SMALLEST_MARK and min(sides) >= 3 and max(sides) <= _LARGEST_MARK:
            around = tuple(slice(max(0, part.start - 3), part.stop + 3) for part in place)
            marked += _mark_pixels(grey[around], parts[around] == number)
    return marked / grey.size


def _mark_pixels(grey: NDArray[np.float32], inside: NDArray[np.bool_]) -> int:
    """Return the number of pixels of a bright structure if it is a mark, else 0.

    ``grey`` includes the surroundings."""
    pixels = int(inside.sum())
    ground = grey[~ndimage.binary_dilation(inside, iterations=2)]
    if pixels < _MARK_PIXELS or len(ground) < 20:
        return 0
    contrast = float(np.percentile(grey[inside], 75) - ground.mean())
    return pixels if contrast > max(_MARK_CONTRAST, float(ground.std()) / _CALM) else 0
