"""Pictures with several channels of 16 bits, of which Pillow keeps only the upper 8 bits."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from pneumo_core.imaging.grey_values import (
    Grey,
    colour_step,
    full_scale,
    luma,
    sampled_colour,
    tint_of,
)

__all__ = ["deep_colour", "is_deep_colour"]

_KNOWN = ("RGB;16", "RGBA;16", "LA;16")
_OTHER_BYTE = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
"""The byte order in which Pillow keeps the other byte of each channel."""
_GREY_AND_ALPHA = "LA;16B"


def is_deep_colour(image: Image.Image) -> bool:
    """Return whether an opened, not yet loaded picture has several channels of 16 bits."""
    modes = [_raw_mode(tile.args) for tile in getattr(image, "tile", ())]
    return bool(modes) and all(mode[:-1] in _KNOWN for mode in modes)


def deep_colour(open_picture: Callable[[], Image.Image]) -> tuple[Grey, bool, bool]:
    """Return the grey of such a picture, upright, whether it has colour, and had a tint.

    Grey is float32 (H, W) in [0, 1]: the largest value of a channel decides, as in grey of 16 bits,
    what is white. Transparency lies over black. ``open_picture`` opens it anew: it is decoded
    twice, for the upper and for the lower bytes, since both at once would need twice the memory.
    """
    upper = _bytes_of(open_picture(), lower=False)
    grey, sample, largest = luma(upper, 255), upper.sample() * 256, upper.largest()
    alpha = upper.alpha()
    del upper
    lower = _bytes_of(open_picture(), lower=True)
    full = float(full_scale(256 * largest if largest else lower.largest()))
    grey *= 256
    grey += luma(lower, 255)
    grey *= np.float32(255 / full)
    np.clip(grey, 0, 1, out=grey)
    sample += lower.sample()
    colour = sampled_colour(sample, full)
    tint = tint_of(sample, full) if colour else None
    if tint is not None:
        tint.remove_from(grey)
    if alpha is not None:
        grey *= np.asarray(alpha)
        grey /= 255
    return grey, colour and tint is None, tint is not None


class _Channels:
    """One byte of each channel of a picture, taken in parts."""

    def __init__(self, image: Image.Image, bands: tuple[int, int, int], alpha: int | None) -> None:
        self._image, self._bands, self._alpha = image, bands, alpha
        self.shape = (image.height, image.width, 3)

    def __getitem__(self, place: tuple[Any, ...], /) -> npt.NDArray[Any]:
        rows, _, channel = place
        top, bottom, _ = rows.indices(self._image.height)
        strip = self._image.crop((0, top, self._image.width, bottom))
        return np.asarray(strip.getchannel(self._bands[channel]))

    def largest(self) -> int:
        ends: Any = self._image.getextrema()
        return int(max(ends[band][1] for band in self._bands))

    def sample(self) -> npt.NDArray[np.float32]:
        """Return the channels on a coarse grid, float32 (h, w, 3)."""
        step = colour_step(self._image.height, self._image.width)
        bands = [np.asarray(self._image.getchannel(band))[::step, ::step] for band in self._bands]
        return np.stack(bands, axis=-1).astype(np.float32)

    def alpha(self) -> Image.Image | None:
        return None if self._alpha is None else self._image.getchannel(self._alpha)


def _bytes_of(image: Any, *, lower: bool) -> _Channels:
    """Load the upper or the lower byte of each channel, and turn the picture upright."""
    bands, alpha = (0, 1, 2), 3 if image.mode == "RGBA" else None
    if _raw_mode(image.tile[0].args) == _GREY_AND_ALPHA:
        # As if these were four channels: Pillow has no other way to the lower byte.
        image.tile = [tile._replace(args="RGBA") for tile in image.tile]
        bands, alpha = ((1, 1, 1) if lower else (0, 0, 0)), 2
    elif lower:
        image.tile = [tile._replace(args=_of_other_byte(tile.args)) for tile in image.tile]
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    return _Channels(image, bands, alpha)


def _of_other_byte(args: Any) -> Any:
    mode = _raw_mode(args)
    other = mode[:-1] + _OTHER_BYTE[mode[-1]]
    return (other, *args[1:]) if isinstance(args, tuple) else other


def _raw_mode(args: Any) -> str:
    """Return Pillow's raw mode for a tile."""
    first = args[0] if isinstance(args, tuple) and args else args
    return first if isinstance(first, str) else ""
