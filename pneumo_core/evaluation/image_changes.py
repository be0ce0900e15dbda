"""Realistic changes of an X-ray by another device, viewer or export."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pneumo_core.evaluation.corruptions import jpeg

__all__ = ["CHANGES"]

Pixels: TypeAlias = NDArray[np.float32]


def _unchanged(pixels: Pixels) -> Pixels:
    return pixels


def _cropped(share: float, pixels: Pixels) -> Pixels:
    rows, columns = (round(share * side) for side in pixels.shape)
    return pixels[rows : pixels.shape[0] - rows, columns : pixels.shape[1] - columns]


def _padded(share: float, pixels: Pixels) -> Pixels:
    rows, columns = (round(share * side) for side in pixels.shape)
    return np.pad(pixels, ((rows, rows), (columns, columns)))


def _rotated(degrees: float, pixels: Pixels) -> Pixels:
    turned = Image.fromarray(pixels).rotate(degrees, resample=Image.Resampling.BILINEAR)
    return np.array(turned, dtype=np.float32)


def _times(factor: float, pixels: Pixels) -> Pixels:
    changed: Pixels = np.clip(pixels * np.float32(factor), 0, 1)
    return changed


def _resized(width: int, height: int, pixels: Pixels) -> Pixels:
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)
    return np.clip(np.array(image, dtype=np.float32), 0, 1)


CHANGES: Mapping[str, Callable[[Pixels], Pixels]] = MappingProxyType(
    {
        "unchanged": _unchanged,
        "cropped by 5 % at each edge": partial(_cropped, 0.05),
        "cropped by 10 % at each edge": partial(_cropped, 0.1),
        "padded by 10 % at each edge": partial(_padded, 0.1),
        "rotated by 5°": partial(_rotated, 5),
        "rotated by 10°": partial(_rotated, 10),
        "squashed to a square": partial(_resized, 512, 512),
        "stretched to 7:5": partial(_resized, 700, 500),
        "JPEG quality 40": partial(jpeg, quality=40),
        "15 % brighter": partial(_times, 1.15),
        "15 % darker": partial(_times, 0.85),
        "enlarged to 1,400 × 1,100": partial(_resized, 1400, 1100),
    }
)
"""Changes by name; each maps pixels float32 (H, W) in [0, 1] to the same."""
