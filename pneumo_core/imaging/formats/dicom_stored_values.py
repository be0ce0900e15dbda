"""Stored pixel values of a DICOM file: which bits count, and which pixels are padding."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from pneumo_core.imaging.formats.dicom_elements import Elements, name_of
from pneumo_core.imaging.formats.dicom_image_pixel import ImagePixel
from pneumo_core.imaging.grey_values import Curve, Grey, Values, strips

__all__ = ["Bits", "Cells", "Padding", "cells_of"]

_TABULATED = 2
"""Most bytes per pixel for which every possible value is computed once."""
_LINES = 128
"""Number of rows, and of columns, along which neighbours are compared."""
_SAMPLED = 512
"""Side of the coarse grid on which deeper pixels are counted."""
_SMOOTHER = 4.0
"""How many times rougher the declared reading of the bits must be than another to be rejected.
A wrong reading jumps at powers of two and is 10 or more times rougher."""
_ROUGH = 0.01
"""A picture smoother than this needs no repair."""
_FEW_NEGATIVES = 16
_MOSTLY_PADDING = 0.98


@dataclass(frozen=True)
class Bits:
    """The bits of a pixel that hold its value: ``stored`` of them, above ``shift`` others."""

    stored: int
    shift: int
    signed: bool

    def values(self, cells: npt.NDArray[Any]) -> Values:
        """Return the stored values float64 of unsigned cells."""
        kind = cells.dtype.type
        part = (cells >> kind(self.shift)) & kind((1 << self.stored) - 1)
        values: npt.NDArray[np.float64] = part.astype(np.float64)
        if self.signed:
            values[values >= 2.0 ** (self.stored - 1)] -= 2.0**self.stored
        return values


@dataclass(frozen=True)
class Padding:
    """Padding: a range of stored values, and one bit pattern.

    The pattern is padding beyond Bits Stored, such as 65,535 in 12 bits.
    """

    lowest: float
    highest: float
    pattern: int | None = None

    def holds(self, cells: npt.NDArray[Any], values: Values) -> npt.NDArray[np.bool_]:
        """Return which cells are padding; ``values`` are their stored values."""
        found: npt.NDArray[np.bool_] = (values >= self.lowest) & (values <= self.highest)
        return found if self.pattern is None else found | (cells == self.pattern)


_NONE = Padding(np.inf, -np.inf)


@dataclass(frozen=True, eq=False)
class Cells:
    """Pixels (H, W) of one sample: unsigned integers as they lie in the file, or floats.

    ``bits`` is None for floats.
    """

    pixels: npt.NDArray[Any]
    bits: Bits | None
    padding: Padding = _NONE

    @property
    def tabulated(self) -> bool:
        """Whether each possible value is computed once, instead of each pixel."""
        return self.bits is not None and self.pixels.dtype.itemsize <= _TABULATED

    @cached_property
    def every(self) -> npt.NDArray[Any]:
        """Every possible cell value, if tabulated."""
        info = np.iinfo(self.pixels.dtype)
        return np.arange(info.max + 1, dtype=self.pixels.dtype)

    def values(self, cells: npt.NDArray[Any]) -> Values:
        """Return the stored values float64 of some cells."""
        return self.bits.values(cells) if self.bits else cells.astype(np.float64)

    def is_padding(self, cells: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Return which cells are padding."""
        return self.padding.holds(cells, self.values(cells))

    @property
    def has_padding(self) -> bool:
        """Whether the picture has padding."""
        return self.padding is not _NONE

    def spread(self) -> tuple[Values, Values]:
        """Return the stored values that occur, float64, and how often each does; without padding.

        For deeper pixels: those of a coarse grid, and the two extremes.
        """
        if self.tabulated:
            counts = self.counts
            taken = counts > 0
            taken[taken] = ~self.is_padding(self.every[taken])
            return self.values(self.every[taken]), counts[taken].astype(np.float64)
        step = max(1, int(np.sqrt(self.pixels.size)) // _SAMPLED)
        sampled = self._pictured(self.pixels[::step, ::step])
        values = np.append(sampled, self._ends())
        return values, np.ones(len(values))

    @cached_property
    def counts(self) -> npt.NDArray[np.int64]:
        """How often each possible cell value occurs, if tabulated."""
        size = len(self.every)
        counts = np.zeros(size, np.int64)
        for rows in strips(self.pixels):
            counts += np.bincount(self.pixels[rows].ravel(), minlength=size)
        return counts

    def _pictured(self, cells: npt.NDArray[Any]) -> Values:
        values = self.values(cells)
        return values[~self.padding.holds(cells, values)]

    def _ends(self) -> list[float]:
        ends: list[float] = []
        for rows in strips(self.pixels):
            values = self._pictured(self.pixels[rows])
            if values.size:
                ends = [min([*ends[:1], values.min()]), max([*ends[1:], values.max()])]
        return ends

    def through(self, curve: Curve, padding: float = 0.0) -> Grey:
        """Return float32 (H, W): ``curve`` of the stored values, and one value for padding."""
        grey: Grey = np.empty(self.pixels.shape, np.float32)
        table = self._toned(self.every, curve, padding) if self.tabulated else None
        for rows in strips(self.pixels):
            part = self.pixels[rows]
            grey[rows] = self._toned(part, curve, padding) if table is None else table[part]
        return grey

    def _toned(self, cells: npt.NDArray[Any], curve: Curve, padding: float) -> Grey:
        values = self.values(cells)
        toned = curve(values).astype(np.float32)
        if self.has_padding:
            toned[self.padding.holds(cells, values)] = padding
        return toned

    def padded(self) -> npt.NDArray[np.bool_] | None:
        """Return bool (H, W), true for padding; None if there is none."""
        if not self.has_padding:
            return None
        table = self.is_padding(self.every) if self.tabulated else None
        mask = np.empty(self.pixels.shape, np.bool_)
        for rows in strips(self.pixels):
            part = self.pixels[rows]
            mask[rows] = self.is_padding(part) if table is None else table[part]
        return mask


def cells_of(elements: Elements, image: ImagePixel, pixels: npt.NDArray[Any]) -> Cells:
    """Return pixels (H, W) with their valid bits and padding, both corrected by the picture.

    Raises Refusal for padding values that are not numbers.
    """
    if image.is_float:
        cells = Cells(pixels, None)
    else:
        unsigned = pixels.view(f"u{pixels.dtype.itemsize}")
        told = Bits(image.stored, image.high + 1 - image.stored, bool(image.signed))
        cells = Cells(unsigned, told)
    padding = _padding(elements, image, cells)
    padded = replace(cells, padding=padding)
    if padding is not _NONE and not _is_outside(elements, padded):
        padded = cells
    return _believed(elements, image, padded) if padded.tabulated else padded


# Padding (PS3.3 C.7.5.1.1.2).


def _padding(elements: Elements, image: ImagePixel, cells: Cells) -> Padding:
    keyword = {
        "FloatPixelData": "FloatPixelPaddingValue",
        "DoubleFloatPixelData": "DoubleFloatPixelPaddingValue",
    }.get(image.keyword, "PixelPaddingValue")
    value = elements.number(keyword)
    if value is None or image.samples != 1:
        return _NONE
    limit = elements.number(keyword.removesuffix("Value") + "RangeLimit")
    if image.is_float:
        ends = sorted((value, value if limit is None else limit))
        return Padding(ends[0], ends[1])
    ends = sorted(_as_told(each, image) for each in (value, value if limit is None else limit))
    return Padding(ends[0], ends[1], _pattern(int(value), image, cells) if limit is None else None)


def _pattern(value: int, image: ImagePixel, cells: Cells) -> int | None:
    """Return the bit pattern of padding beyond Bits Stored, such as 65,535 with 12 bits."""
    size = 8 * cells.pixels.dtype.itemsize
    beyond = cells.bits is not None and cells.bits.shift == 0 and image.stored < min(size, 16)
    fits = value % (1 << 16) < 1 << size
    return value % (1 << 16) if beyond and fits and value >> image.stored not in (0, -1) else None


def _as_told(value: float, image: ImagePixel) -> float:
    """Return a padding value with the sign of the pixels: some files write -2000 as 63,536."""
    if image.signed and value >= 1 << 15 and value >= 1 << (image.stored - 1):
        return value - (1 << 16)
    if not image.signed and value < 0:
        return value + (1 << 16)
    return value


def _is_outside(elements: Elements, cells: Cells) -> bool:
    """Return whether padding surrounds the picture: at its edges, and not nearly everywhere."""
    edges = (cells.pixels[[0, -1]], cells.pixels[:, [0, -1]])
    if not any(cells.is_padding(edge).any() for edge in edges):
        return False  # an ordinary value of the picture
    _, counts = cells.spread()
    share = 1 - float(counts.sum()) / cells.pixels.size if cells.tabulated else 0.0
    if share > _MOSTLY_PADDING:
        elements.warn(
            f"{name_of('PixelPaddingValue')} covers {share:.0%} of the picture; it was ignored."
        )
    return share <= _MOSTLY_PADDING


# Bits on which header and picture disagree.


def _believed(elements: Elements, image: ImagePixel, cells: Cells) -> Cells:
    """Return the cells with the bits that the picture shows, if the header can't be right."""
    told = cells.bits
    used = int(np.bitwise_or.reduce(_pictures(cells), initial=0))
    if told is None or image.allocated == 1 or not used:
        return cells
    if told.shift and not used >> told.stored and used & ((1 << told.shift) - 1):
        elements.warn(
            f"{name_of('HighBit')} is {image.high}, but the values lie in the lowest {told.stored} "
            "bits; they were read there."
        )
        told = replace(told, shift=0)
    for other, keyword, what in _readings(image, cells, told, used):
        rough = _roughness(cells, told)
        if rough > _ROUGH and _SMOOTHER * _roughness(cells, other) < rough:
            elements.warn(f"{name_of(keyword)} {what}")
            return replace(cells, bits=other)
    return replace(cells, bits=told)


def _pictures(cells: Cells) -> npt.NDArray[Any]:
    """Return the cell values that occur, without padding."""
    present: npt.NDArray[Any] = cells.every[cells.counts > 0]
    return present[~cells.is_padding(present)]


def _readings(
    image: ImagePixel, cells: Cells, told: Bits, used: int
) -> Iterator[tuple[Bits, str, str]]:
    """Yield other readings of the bits, the element that would be wrong, and a sentence."""
    reaches = _reaches_beyond(_pictures(cells), told, image.allocated)
    beyond = told.shift == 0 and reaches
    empty = image.allocated - told.stored
    if beyond and not used & ((1 << empty) - 1):
        left = replace(told, shift=empty)
        yield (
            left,
            "HighBit",
            (
                f"is {image.high}, but the values lie in the highest {told.stored} bits; they were "
                "read there."
            ),
        )
    values = told.values(_pictures(cells))
    bare = not used >> told.stored or not reaches  # nothing above but the sign
    if told.signed and bare and values.min() < 0 <= values.max():
        yield (
            replace(told, signed=False),
            "PixelRepresentation",
            "says that values are signed, but the picture is continuous only without one.",
        )
    if beyond:
        for stored in sorted({used.bit_length(), image.allocated}):
            yield (
                Bits(stored, 0, told.signed),
                "BitsStored",
                (f"is {told.stored}, but the picture uses {stored} bits; all of them were read."),
            )
    high = replace(told, signed=True)
    negatives = (high.values(_pictures(cells)) < 0).sum()
    if not image.signed and negatives > _FEW_NEGATIVES:
        given = "is missing" if image.signed is None else "says that values are unsigned"
        yield (
            high,
            "PixelRepresentation",
            f"{given}, but the picture is continuous only with a sign; it was read that way.",
        )


def _reaches_beyond(cells: npt.NDArray[Any], told: Bits, allocated: int) -> bool:
    """Return whether bits above Bits Stored hold anything but the sign."""
    if told.stored >= allocated:
        return False
    values = told.values(cells)
    whole = Bits(allocated, 0, told.signed).values(cells)
    return bool((values != whole).any())


def _roughness(cells: Cells, bits: Bits) -> float:
    """Return von Neumann's ratio: the mean square difference of neighbours over the variance.

    About 2 for unrelated neighbours, near 0 for a smooth picture. Uses some rows and columns,
    without padding.
    """
    values = bits.values(cells.every)
    whole = ~cells.is_padding(cells.every)
    height, width = cells.pixels.shape
    lines = (
        cells.pixels[:: max(1, height // _LINES)],
        cells.pixels[:, :: max(1, width // _LINES)].T,
    )
    return max(_roughness_along(values[each], whole[each]) for each in lines)


def _roughness_along(values: Values, whole: npt.NDArray[np.bool_]) -> float:
    steps = np.diff(values, axis=1)[whole[:, 1:] & whole[:, :-1]]
    variance = float(values[whole].var()) if whole.any() else 0.0
    return float(np.mean(np.square(steps))) / variance if steps.size and variance else 0.0
