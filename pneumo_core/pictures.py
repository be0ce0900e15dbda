"""Pictures as arrays: a film for the screen, the colours of heat over it. Pure functions."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from plotly.colors import sample_colorscale, unlabel_rgb

__all__ = ["colour_scale", "display_pixels", "overlay"]


def _colour_map() -> NDArray[np.float32]:
    """Inferno, which is perceptually uniform: RGB float32 (256, 3) in [0, 255]."""
    steps = np.linspace(0, 1, 256).tolist()
    return np.array([unlabel_rgb(c) for c in sample_colorscale("Inferno", steps)], np.float32)


_MAP = _colour_map()


def overlay(
    pixels: NDArray[np.float32], heat: NDArray[np.float32], opacity: float
) -> NDArray[np.uint8]:
    """A film under its heat map.

    Args:
        pixels: float32 (H, W) in [0, 1].
        heat: float32 (H, W) in [0, 1].
        opacity: of the strongest heat, in [0, 1]; weaker heat covers less, none covers nothing.

    Returns:
        uint8 (H, W, 3), RGB.
    """
    grey = (pixels * np.float32(255))[..., np.newaxis]
    colours = _MAP[np.rint(heat * 255).astype(np.uint8)]
    cover = (heat * np.float32(opacity))[..., np.newaxis]
    blended: NDArray[np.uint8] = np.rint(grey + (colours - grey) * cover).astype(np.uint8)
    return blended


def display_pixels(pixels: NDArray[np.float32], longest: int = 1024) -> NDArray[np.float32]:
    """A film no larger than a page needs: float32 (h, w) in [0, 1], in proportion.

    Films whose longer side is at most ``longest`` pixels come back as they are.
    """
    height, width = pixels.shape
    factor = longest / max(height, width)
    if factor >= 1:
        return pixels
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    smaller = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=3)
    shown: NDArray[np.float32] = np.clip(np.array(smaller), 0, 1)
    return shown


def colour_scale(opacity: float) -> NDArray[np.uint8]:
    """The overlay's colours over mid-grey, from no heat to the strongest: uint8 (16, 256, 3)."""
    heat = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (16, 1))
    return overlay(np.full_like(heat, 0.5), heat, opacity)
