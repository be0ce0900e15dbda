"""Rendering of X-rays and heat maps as arrays and image files. Pure functions."""

import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from io import BytesIO
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import contourpy
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

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
"""Meaning of heat: evidence for PNEUMONIA, for NORMAL, or a response for neither. Each has its own
hue, so that a colour means the same everywhere."""


_SCALES: Mapping[Scale, tuple[str, float]] = MappingProxyType(
    {
        "pneumonia": ("Inferno", 1.0),
        "normal": ("Ice", 0.85),  # beyond, it is as bright as an X-ray
        "response": ("Viridis", 1.0),
    }
)


@cache
def _colours(scale: Scale) -> NDArray[np.float32]:
    """Return a uniform scale of plotly, up to where it ends here: RGB float32 (256, 3), 0 to 255.

    Reading needs no colours, and plotly takes a tenth of a second to import.
    """
    from plotly.colors import sample_colorscale, unlabel_rgb

    name, end = _SCALES[scale]
    steps = np.linspace(0, end, 256).tolist()
    return np.array([unlabel_rgb(c) for c in sample_colorscale(name, steps)], np.float32)


def overlay(
    pixels: NDArray[np.float32],
    heat: NDArray[np.float32],
    opacity: float,
    scale: Scale = "pneumonia",
) -> NDArray[np.uint8]:
    """Lay a heat map over an X-ray.

    Args:
        pixels: float32 (H, W) in [0, 1].
        heat: float32 (H, W) in [0, 1].
        opacity: of the strongest heat, in [0, 1]; weaker heat is more transparent.
        scale: the meaning of the heat, which decides the hue.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    grey = (pixels * np.float32(255))[..., np.newaxis]
    blended = _colours(scale)[np.rint(heat * 255).astype(np.uint8)]
    blended -= grey  # in place: copying a large X-ray takes as long as a step
    blended *= (heat * np.float32(opacity))[..., np.newaxis]
    blended += grey
    return np.rint(blended, out=blended).astype(np.uint8)


def display_pixels(pixels: NDArray[np.float32], longest: int = 1024) -> NDArray[np.float32]:
    """Return an X-ray reduced for a page: float32 (h, w) in [0, 1], in proportion.

    An X-ray whose longer side is at most ``longest`` pixels is returned unchanged.
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
    """Return a heat map as a transparent layer: uint8 (H, W, 4), RGBA.

    Drawn over an X-ray at some opacity it looks like ``overlay`` at that opacity.
    """
    strength = np.rint(heat * 255).astype(np.uint8)
    layer: NDArray[np.uint8] = np.dstack([_colours(scale)[strength].astype(np.uint8), strength])
    return layer


def contour_lines(
    heat: NDArray[np.float32], levels: Sequence[float]
) -> dict[float, list[NDArray[np.float64]]]:
    """Return contour lines at each level: float64 (n, 2) of (x, y) in [0, 1] of the map.

    Heat outside the map is 0, so lines follow the map's edge. ``heat`` float32 (H, W), with values
    at the centres of cells. A level that is never reached has no lines.
    """
    height, width = heat.shape
    x = np.clip((np.arange(-1, width + 1) + 0.5) / width, 0, 1)
    y = np.clip((np.arange(-1, height + 1) + 0.5) / height, 0, 1)
    generator = contourpy.contour_generator(
        x, y, np.pad(heat, 1), line_type=contourpy.LineType.Separate
    )
    return {level: [np.asarray(line) for line in generator.lines(level)] for level in levels}


def jpeg(picture: NDArray[np.float32] | NDArray[np.uint8], quality: int = 92) -> bytes:
    """Encode float32 (H, W) in [0, 1], or uint8 (H, W) or (H, W, 3), as a JPEG file."""
    return _file(picture, "JPEG", quality=quality)


def png(
    picture: NDArray[np.float32] | NDArray[np.uint8],
    *,
    quick: bool = False,
    text: Mapping[str, str] | None = None,
) -> bytes:
    """Encode float32 (H, W) in [0, 1], or uint8 (H, W), (H, W, 3) or (H, W, 4), as a PNG file.

    ``quick``: a larger file in less time, of the same pixels; compression takes most of it.
    ``text``: its text chunks.
    """
    told = PngInfo()
    for name, words in (text or {}).items():
        told.add_itxt(name, words)
    if quick:
        return _file(
            picture, "PNG", pnginfo=told, compress_level=1, compress_type=zlib.Z_HUFFMAN_ONLY
        )
    return _file(picture, "PNG", pnginfo=told, compress_level=4)


def _file(picture: NDArray[np.float32] | NDArray[np.uint8], kind: str, **options: Any) -> bytes:
    if picture.dtype != np.uint8:
        picture = np.rint(picture * np.float32(255)).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(picture).save(file, format=kind, **options)
    return file.getvalue()
