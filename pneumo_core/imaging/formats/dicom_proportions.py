"""Resampling of X-rays whose pixels are not square."""

from dataclasses import replace

import numpy as np

from pneumo_core.core.settings import Settings
from pneumo_core.imaging.formats.dicom_elements import Elements, name_of
from pneumo_core.imaging.grey_values import Grey
from pneumo_core.imaging.radiograph import FileFacts
from pneumo_core.imaging.resampling import resample
from pneumo_core.imaging.windowing import PixelValues

__all__ = ["square_pixels", "squared_values", "true_shape"]

_SAME = 0.01
"""Tolerance of the ratio around 1; spacings are rounded."""
_MOST = 4.0
"""A larger ratio is an error in the header."""
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio")


def true_shape(elements: Elements, shape: tuple[int, ...], limits: Settings) -> tuple[int, int]:
    """Return the shape (height, width) with square pixels; the same if they are, or if unknown.

    No side gets shorter. A warning says what was done or could not be done.
    """
    height, width = shape
    keyword, ratio = _ratio(elements)
    if abs(ratio - 1) <= _SAME:
        return height, width
    true = (round(height * ratio), width) if ratio > 1 else (height, round(width / ratio))
    if not 1 / _MOST <= ratio <= _MOST or true[0] * true[1] > limits.max_pixels:
        elements.warn(
            f"The file says that its pixels are {ratio:.3g} times as high as wide "
            f"({name_of(keyword)}); the X-ray is shown as if they were square."
        )
        return height, width
    elements.warn(
        f"The pixels are not square ({name_of(keyword)}); the X-ray was stretched from "
        f"{width} × {height} to {true[1]} × {true[0]} pixels."
    )
    return true


def _ratio(elements: Elements) -> tuple[str, float]:
    """Return the keyword that gives the pixels' proportions, and height / width; 1 if none does."""
    for keyword in _SPACINGS:
        if pair := elements.positive_pair(keyword):
            return keyword, pair[0] / pair[1]
    return _SPACINGS[0], 1.0


def square_pixels(grey: Grey, facts: FileFacts, shape: tuple[int, int]) -> tuple[Grey, FileFacts]:
    """Return the X-ray resampled to another shape, and its facts changed accordingly."""
    if grey.shape == shape:
        return grey, facts
    spacing = facts.pixel_spacing_mm and (min(facts.pixel_spacing_mm),) * 2
    facts = replace(facts, height=shape[0], width=shape[1], pixel_spacing_mm=spacing or None)
    return resample(grey, shape), facts


def squared_values(values: PixelValues, shape: tuple[int, int]) -> PixelValues:
    """Return the values resampled to another shape; padding stays padding."""
    if values.values.shape == shape:
        return values
    padding = values.padding
    if padding is not None:
        rows, columns = (
            np.arange(n) * old // n for n, old in zip(shape, padding.shape, strict=True)
        )
        padding = padding[np.ix_(rows, columns)]
    return PixelValues(resample(values.values, shape), values.inverted, padding)
