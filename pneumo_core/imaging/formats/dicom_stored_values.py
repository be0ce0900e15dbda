"""The pixels of a film as they lie in its file: which bits count, and which are padding."""

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
"""Bytes of a pixel up to which each of its values is worked out once."""
_LINES = 128
"""Rows, and columns, along which neighbours are compared."""
_SAMPLED = 512
"""Side of the coarse grid on which deeper pixels are counted."""
_SMOOTHER = 4.0
"""How much rougher a film must be in one reading of its bits than in another to be disbelieved.
Read wrongly it jumps where it passes a power of two, and is rougher by 10 and more."""
_ROUGH = 0.01
"""What is smoother than this is whole as it is."""
_FEW_NEGATIVES = 16
_MOSTLY_PADDING = 0.98


@dataclass(frozen=True)
class Bits:
    """Which bits of a pixel hold its value: ``stored`` of them, above ``shift`` others."""

    stored: int
    shift: int
    signed: bool

    def values(self, cells: npt.NDArray[Any]) -> Values:
        """The stored values float64 of unsigned cells."""
        kind = cells.dtype.type
        part = (cells >> kind(self.shift)) & kind((1 << self.stored) - 1)
        values: npt.NDArray[np.float64] = part.astype(np.float64)
        if self.signed:
            values[values >= 2.0 ** (self.stored - 1)] -= 2.0**self.stored
        return values


@dataclass(frozen=True)
class Padding:
    """Values that are no picture: a range of stored ones, and one pattern of bits.

    The pattern tells padding beyond Bits Stored, as 65,535 among 12 bits.
    """

    lowest: float
    highest: float
    pattern: int | None = None

    def holds(self, cells: npt.NDArray[Any], values: Values) -> npt.NDArray[np.bool_]:
        """Which of the cells, whose stored values are given, are padding."""
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
        """Whether each possible value is worked out once, not each pixel."""
        return self.bits is not None and self.pixels.dtype.itemsize <= _TABULATED

    @cached_property
    def every(self) -> npt.NDArray[Any]:
        """Every cell that can be, where they are tabulated."""
        info = np.iinfo(self.pixels.dtype)
        return np.arange(info.max + 1, dtype=self.pixels.dtype)

    def values(self, cells: npt.NDArray[Any]) -> Values:
        """The stored values float64 of some cells."""
        return self.bits.values(cells) if self.bits else cells.astype(np.float64)

    def is_padding(self, cells: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Which of some cells are padding."""
        return self.padding.holds(cells, self.values(cells))

    @property
    def has_padding(self) -> bool:
        """Whether anything is padding."""
        return self.padding is not _NONE

    def spread(self) -> tuple[Values, Values]:
        """Stored values that occur, float64, and how often each; without padding.

        Of deeper pixels a coarse grid, and the two ends.
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
        """How often each possible cell occurs, where they are tabulated."""
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
        """Float32 (H, W): ``curve`` of the stored values, and one value where padding is."""
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
        """Bool (H, W): where padding is; None where there is none."""
        if not self.has_padding:
            return None
        table = self.is_padding(self.every) if self.tabulated else None
        mask = np.empty(self.pixels.shape, np.bool_)
        for rows in strips(self.pixels):
            part = self.pixels[rows]
            mask[rows] = self.is_padding(part) if table is None else table[part]
        return mask


def cells_of(elements: Elements, image: ImagePixel, pixels: npt.NDArray[Any]) -> Cells:
    """Pixels (H, W) with the bits that count and the padding, repaired where the picture says so.

    Raises Refusal for padding elements that are no numbers.
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
    """The cell that padding beyond Bits Stored is: some write 65,535 among 12 bits."""
    size = 8 * cells.pixels.dtype.itemsize
    beyond = cells.bits is not None and cells.bits.shift == 0 and image.stored < min(size, 16)
    fits = value % (1 << 16) < 1 << size
    return value % (1 << 16) if beyond and fits and value >> image.stored not in (0, -1) else None


def _as_told(value: float, image: ImagePixel) -> float:
    """A padding value in the sign of the pixels: some write -2000 as 63,536."""
    if image.signed and value >= 1 << 15 and value >= 1 << (image.stored - 1):
        return value - (1 << 16)
    if not image.signed and value < 0:
        return value + (1 << 16)
    return value


def _is_outside(elements: Elements, cells: Cells) -> bool:
    """Whether padding lies around the picture: at its edges, and not nearly everywhere."""
    edges = (cells.pixels[[0, -1]], cells.pixels[:, [0, -1]])
    if not any(cells.is_padding(edge).any() for edge in edges):
        return False  # a value that happens to be the padding's within the picture
    _, counts = cells.spread()
    share = 1 - float(counts.sum()) / cells.pixels.size if cells.tabulated else 0.0
    if share > _MOSTLY_PADDING:
        elements.warn(
            f"{name_of('PixelPaddingValue')} covers {share:.0%} of the picture; it was left aside."
        )
    return share <= _MOSTLY_PADDING


# Bits that the header and the picture tell differently.


def _believed(elements: Elements, image: ImagePixel, cells: Cells) -> Cells:
    """The same cells, their bits as the picture tells where the header can't be right."""
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
    """The cells that occur, without padding."""
    present: npt.NDArray[Any] = cells.every[cells.counts > 0]
    return present[~cells.is_padding(present)]


def _readings(
    image: ImagePixel, cells: Cells, told: Bits, used: int
) -> Iterator[tuple[Bits, str, str]]:
    """Other readings of the bits than the header's: which element would be wrong, and how."""
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
            (
                "says that values are signed, but the picture is whole only without a sign; it was "
                "read so."
            ),
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
            f"{given}, but the picture is whole only with signed values; it was read so.",
        )


def _reaches_beyond(cells: npt.NDArray[Any], told: Bits, allocated: int) -> bool:
    """Return whether bits above Bits Stored hold anything but the sign."""
    if told.stored >= allocated:
        return False
    values = told.values(cells)
    whole = Bits(allocated, 0, told.signed).values(cells)
    return bool((values != whole).any())


def _roughness(cells: Cells, bits: Bits) -> float:
    """Von Neumann's ratio: the mean square step between neighbours over the variance.

    About 2 where they have nothing to do with each other, near 0 in a smooth film. Some rows and
    columns are looked at, without padding.
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
