"""Pictures as arrays: a film for the screen, the colours of heat over it. Pure functions."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from types import MappingProxyType
from typing import Literal, TypeAlias

import contourpy
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from plotly.colors import sample_colorscale, unlabel_rgb

from pneumo_core.imaging.resampling import resample

__all__ = [
    "Scale",
    "colour_scale",
    "contour_lines",
    "display_pixels",
    "heat_layer",
    "jpeg",
    "overlay",
    "png",
]


Scale: TypeAlias = Literal["pneumonia", "normal", "response"]
"""What heat stands for: evidence for PNEUMONIA, for NORMAL, or a response that is for neither. Each
has a hue of its own, so that a colour means one thing wherever it is seen."""


def _colours(name: str, end: float = 1.0) -> NDArray[np.float32]:
    """A perceptually uniform scale of plotly's up to ``end``: RGB float32 (256, 3) in [0, 255]."""
    steps = np.linspace(0, end, 256).tolist()
    return np.array([unlabel_rgb(c) for c in sample_colorscale(name, steps)], np.float32)


_MAPS: Mapping[Scale, NDArray[np.float32]] = MappingProxyType(
    {
        "pneumonia": _colours("Inferno"),
        "normal": _colours("Ice", 0.85),  # its end is as white as a film
        "response": _colours("Viridis"),
    }
)


def overlay(
    pixels: NDArray[np.float32],
    heat: NDArray[np.float32],
    opacity: float,
    scale: Scale = "pneumonia",
) -> NDArray[np.uint8]:
    """Lay a heat map over a film.

    Args:
        pixels: float32 (H, W) in [0, 1].
        heat: float32 (H, W) in [0, 1].
        opacity: of the strongest heat, in [0, 1]; weaker heat covers less, none covers nothing.
        scale: what the heat stands for, which chooses its hue.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    grey = (pixels * np.float32(255))[..., np.newaxis]
    blended = _MAPS[scale][np.rint(heat * 255).astype(np.uint8)]
    blended -= grey  # in place: a copy of a large film takes as long as a step
    blended *= (heat * np.float32(opacity))[..., np.newaxis]
    blended += grey
    return np.rint(blended, out=blended).astype(np.uint8)


def display_pixels(pixels: NDArray[np.float32], longest: int = 1024) -> NDArray[np.float32]:
    """A film no larger than a page needs: float32 (h, w) in [0, 1], in proportion.

    Films whose longer side is at most ``longest`` pixels come back as they are.
    """
    height, width = pixels.shape
    factor = longest / max(height, width)
    if factor >= 1:
        return pixels
    shape = (max(1, round(height * factor)), max(1, round(width * factor)))
    shown: NDArray[np.float32] = np.clip(resample(pixels, shape, reducing_gap=3), 0, 1)
    return shown


def colour_scale(opacity: float, scale: Scale = "pneumonia") -> NDArray[np.uint8]:
    """Draw the overlay's colours over mid-grey, from none to the strongest: uint8 (16, 256, 3)."""
    heat = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (16, 1))
    return overlay(np.full_like(heat, 0.5), heat, opacity, scale)


def heat_layer(heat: NDArray[np.float32], scale: Scale = "pneumonia") -> NDArray[np.uint8]:
    """Make a heat map to be laid over any picture: uint8 (H, W, 4), RGBA.

    Over a film at an opacity it looks like ``overlay`` at that opacity.
    """
    strength = np.rint(heat * 255).astype(np.uint8)
    layer: NDArray[np.uint8] = np.dstack([_MAPS[scale][strength].astype(np.uint8), strength])
    return layer


def contour_lines(
    heat: NDArray[np.float32], levels: Sequence[float]
) -> dict[float, list[NDArray[np.float64]]]:
    """Where heat crosses each level, as lines float64 (n, 2) of (x, y) in [0, 1] of the map.

    Outside the map counts as no heat, so lines that meet its edge go along it. ``heat`` float32
    (H, W); values lie at the middle of their cells. Lines of a level that is never reached: none.
    """
    height, width = heat.shape
    x = np.clip((np.arange(-1, width + 1) + 0.5) / width, 0, 1)
    y = np.clip((np.arange(-1, height + 1) + 0.5) / height, 0, 1)
    generator = contourpy.contour_generator(
        x, y, np.pad(heat, 1), line_type=contourpy.LineType.Separate
    )
    return {level: [np.asarray(line) for line in generator.lines(level)] for level in levels}


def jpeg(picture: NDArray[np.float32] | NDArray[np.uint8], quality: int = 92) -> bytes:
    """A JPEG file of float32 (H, W) in [0, 1], or uint8 (H, W) or (H, W, 3)."""
    return _file(picture, "JPEG", quality=quality)


def png(picture: NDArray[np.float32] | NDArray[np.uint8]) -> bytes:
    """A PNG file of float32 (H, W) in [0, 1], or uint8 (H, W), (H, W, 3) or (H, W, 4)."""
    return _file(picture, "PNG", compress_level=4)


def _file(picture: NDArray[np.float32] | NDArray[np.uint8], kind: str, **options: int) -> bytes:
    if picture.dtype != np.uint8:
        picture = np.rint(picture * np.float32(255)).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(picture).save(file, format=kind, **options)
    return file.getvalue()
