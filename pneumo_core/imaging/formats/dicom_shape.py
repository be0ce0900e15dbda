"""Rows, Columns and Planar Configuration that contradict the picture."""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pneumo_core.imaging.formats.dicom_elements import Elements, name_of
from pneumo_core.imaging.formats.dicom_image_pixel import ImagePixel
from pneumo_core.imaging.formats.dicom_stored_values import Bits
from pneumo_core.imaging.grey_values import colour_sample, sampled_colour

__all__ = ["believed_planes", "believed_shape"]

_LINES = 256
"""Number of row pairs that are compared."""
_SMOOTHER = 4.0
_ROUGH = 0.01
"""A picture with smoother rows needs no repair."""
_MOST_COLUMNS = 8


def believed_shape(
    elements: Elements, image: ImagePixel, data: bytes, *, little: bool
) -> ImagePixel:
    """Return how the pixels of one sample are stored, with Rows and Columns by the picture.

    With wrong ones, neighbouring rows don't resemble each other. Repairs become warnings.
    """
    if image.samples != 1 or image.allocated not in (8, 16) or image.is_float:
        return image
    cells = np.frombuffer(data, f"{'<' if little else '>'}u{image.allocated // 8}")
    declared = _roughness(cells, image, image.columns)
    exchanged = _roughness(cells, image, image.rows)
    if image.rows != image.columns and declared > max(_ROUGH, _SMOOTHER * exchanged):
        elements.warn(
            f"{name_of('Rows')} and {name_of('Columns')} are exchanged: the picture is whole "
            f"only as {image.rows} × {image.columns} pixels; it was read that way."
        )
        return replace(image, rows=image.columns, columns=image.rows)
    # One byte may fill up to an even number.
    more, left = divmod(len(cells) - image.rows * image.columns, image.rows)
    if 0 < more <= _MOST_COLUMNS and left <= 1:
        wider = image.columns + more
        if _roughness(cells, image, wider) < declared:
            elements.warn(
                f"{name_of('Columns')} is {image.columns}, but the file has pixels for {wider}; "
                "all of them were read."
            )
            return replace(image, columns=wider)
    return image


def believed_planes(
    elements: Elements, image: ImagePixel, pixels: npt.NDArray[Any]
) -> npt.NDArray[Any]:
    """Return RGB pixels (H, W, 3), with the order of the channels by the picture.

    A grey picture with a wrong Planar Configuration shows colours; in the other order it has none.
    """
    if not image.native or image.photometric != "RGB":
        return pixels
    full = float(np.iinfo(pixels.dtype).max)
    if not sampled_colour(colour_sample(pixels), full):
        return pixels
    if image.planar == 0:
        other = np.moveaxis(pixels.reshape(3, *pixels.shape[:2]), 0, -1)
    else:
        other = np.ascontiguousarray(np.moveaxis(pixels, -1, 0)).reshape(pixels.shape)
    if sampled_colour(colour_sample(other), full):
        return pixels
    elements.warn(
        f"{name_of('PlanarConfiguration')} is {image.planar}, but the picture is grey only as "
        f"{1 - image.planar}; it was read that way."
    )
    return other


def _roughness(cells: npt.NDArray[Any], image: ImagePixel, columns: int) -> float:
    """Return the mean square difference of neighbouring rows over the variance."""
    rows = len(cells) // columns
    if rows < 2:
        return 0.0
    lines = cells[: rows * columns].reshape(rows, columns)
    upper = np.unique(np.linspace(0, rows - 2, min(rows - 1, _LINES)).astype(int))
    bits = Bits(image.stored, image.high + 1 - image.stored, bool(image.signed))
    kind = lines.dtype.newbyteorder("=")
    first, second = (bits.values(lines[each].astype(kind)) for each in (upper, upper + 1))
    variance = float(first.var())
    return float(np.mean(np.square(second - first))) / variance if variance else 0.0
