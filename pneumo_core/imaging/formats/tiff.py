"""TIFF files that Pillow opens in no mode, or wrongly: float16 and float64, 64-bit integers, signed
bytes, deep grey beside a channel of transparency, and planes of 16-bit colour one after the other.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from pneumo_core.core.settings import Settings
from pneumo_core.imaging.grey_values import (
    Grey,
    colour_sample,
    full_scale,
    luma,
    sampled_colour,
    tint_of,
)
from pneumo_core.imaging.refusal import EXPORT_AGAIN, ONE_PER_FILE, Refusal, refuse_size

__all__ = ["TiffFacts", "read_other_tiff", "refuse_big_endian_bigtiff", "tiff_facts"]

_KINDS = {1: "u", 2: "i", 3: "f"}
_WORDS = {1: "whole numbers", 2: "signed numbers", 3: "floating-point numbers"}
_UNCOMPRESSED, _DEFLATED = 1, (8, 32946)
_NONE, _HORIZONTAL, _FLOATING = 1, 2, 3
_SAVE_AS = "Save it as 8- or 16-bit grey, or as PNG"
_ROWS = 256
_RGB = 2


@dataclass(frozen=True)
class TiffFacts:
    """Header of a TIFF's first picture; ``frames``: whether others follow."""

    width: int
    height: int
    bits: tuple[int, ...]
    sample_format: int
    photometric: int
    compression: int
    predictor: int
    planar: int
    extra: tuple[int, ...]
    orientation: int
    frames: bool
    big_endian: bool
    tags: ImageFileDirectory_v2

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the samples, in the file's byte order."""
        order = ">" if self.big_endian else "<"
        return np.dtype(f"{order}{_KINDS[self.sample_format]}{self.bits[0] // 8}")

    @property
    def words(self) -> str:
        """Kind of the samples: "2 channels of 12-bit whole numbers"."""
        numbers = f"{self.bits[0]}-bit {_WORDS.get(self.sample_format, 'complex numbers')}"
        return numbers if len(self.bits) == 1 else f"{len(self.bits)} channels of {numbers}"


def tiff_facts(file: BinaryIO) -> TiffFacts:
    """Read the header. Raises Pillow's errors on damaged bytes."""
    header = file.read(8)
    refuse_big_endian_bigtiff(header)
    if 43 in header[2:4]:  # BigTIFF
        header += file.read(8)
    tags = ImageFileDirectory_v2(header)
    file.seek(tags.next)
    tags.load(file)
    bits = tuple(tags.get(258, (1,)))
    samples = int(tags.get(277, 1))
    return TiffFacts(
        width=int(tags[256]),
        height=int(tags[257]),
        bits=bits * samples if len(bits) == 1 and samples <= 8 else bits,
        sample_format=int(tags.get(339, (1,))[0]),
        photometric=int(tags.get(262, 1)),
        compression=int(tags.get(259, _UNCOMPRESSED)),
        predictor=int(tags.get(317, _NONE)),
        planar=int(tags.get(284, 1)),
        extra=tuple(tags.get(338, ())),
        orientation=int(tags.get(274, 1)),
        frames=tags.next != 0,
        big_endian=header[:2] == b"MM",
        tags=tags,
    )


def refuse_big_endian_bigtiff(header: bytes) -> None:
    """Refuse a BigTIFF in big-endian order: Pillow takes its header for that of a short TIFF."""
    if header.startswith(b"MM\0+"):
        raise Refusal(
            "it is a big-endian BigTIFF, which Pneumo can't read",
            "Save it as little-endian BigTIFF, TIFF or PNG",
        )


def read_other_tiff(data: bytes, limits: Settings) -> tuple[Grey, TiffFacts, bool, bool]:
    """Return grey float32 (H, W) in [0, 1], upright, and the file's facts.

    Then whether it has colour, and whether it had a tint that was removed.

    Whole numbers are divided by the smallest 2^k - 1 (k >= 8) that holds their maximum; negative
    ones, and floats outside [0, 1], are stretched to their full range. Transparency lies over
    black. Raises Refusal, with the kind of its samples if they can't be read.
    """
    facts = tiff_facts(BytesIO(data))
    refuse_size(facts.width, facts.height, limits)
    if facts.frames:
        raise Refusal("it has several frames", ONE_PER_FILE)
    _refuse_other_kinds(facts)
    values = np.empty((facts.height, facts.width, len(facts.bits)), facts.dtype)
    for (*place, samples), block in _blocks(data, facts):
        part = values[(*place, samples)]
        part[:] = block[: part.shape[0], : part.shape[1]]
    if facts.photometric != _RGB:
        return _upright(_grey(values, facts), facts.orientation), facts, False, False
    grey, colour, tinted = _grey_of_colour(values, facts)
    return _upright(grey, facts.orientation), facts, colour, tinted


def _refuse_other_kinds(facts: TiffFacts) -> None:
    known = {16, 32, 64} if facts.sample_format == 3 else {8, 16, 32, 64}
    whole = len(set(facts.bits)) == 1 and set(facts.bits) <= known
    channels = len(facts.bits) - len(facts.extra)
    is_grey = facts.photometric in (0, 1) and channels == 1 and len(facts.extra) <= 1
    is_rgb = facts.photometric == _RGB and channels == 3 and len(facts.extra) <= 1
    is_rgb = is_rgb and facts.sample_format == 1 and facts.bits[0] == 16
    if facts.sample_format not in _KINDS or not whole or not (is_grey or is_rgb):
        raise Refusal(f"its pixels are {facts.words}, which Pneumo can't read in TIFF", _SAVE_AS)
    predictors = {_NONE, _FLOATING} if facts.sample_format == 3 else {_NONE, _HORIZONTAL}
    readable = (
        facts.compression in (_UNCOMPRESSED, *_DEFLATED)
        and facts.predictor in predictors
        and facts.tags.get(266, 1) == 1  # its bits in order
        and facts.planar in (1, 2)
    )
    if not readable:
        raise Refusal(
            f"its pixels are {facts.words} in a compression that Pneumo can't read for them",
            f"{_SAVE_AS}, or without compression",
        )


def _blocks(
    data: bytes, facts: TiffFacts
) -> Iterator[tuple[tuple[slice, slice, slice], npt.NDArray[Any]]]:
    """Yield strips or tiles (h, w, samples), each with its rows, columns and samples.

    With planar configuration 2 a block holds one sample, and all blocks of one come first.
    """
    tags = facts.tags
    tiled = 324 in tags
    offsets, counts = (tags[324], tags[325]) if tiled else (tags[273], tags.get(279))
    wide = int(tags[322]) if tiled else facts.width
    high = int(tags[323]) if tiled else min(facts.height, int(tags.get(278, facts.height)))
    if min(wide, high) < 1 or max(wide, high) > max(facts.width, facts.height) + 65536:
        raise Refusal("its header is inconsistent", EXPORT_AGAIN)
    counts = counts or (len(data),)
    each = 1 if facts.planar == 2 else len(facts.bits)
    corners = [
        (first, top, left)
        for first in range(0, len(facts.bits), each)
        for top in range(0, facts.height, high)
        for left in range(0, facts.width, wide)
    ]
    if min(len(offsets), len(counts)) < len(corners):
        raise Refusal("it ends before its last rows", EXPORT_AGAIN)
    for (first, top, left), offset, count in zip(corners, offsets, counts, strict=False):
        rows = high if tiled else min(high, facts.height - top)
        block = _block(data[offset : offset + count], (rows, wide, each), facts)
        place = slice(top, top + rows), slice(left, left + wide), slice(first, first + each)
        yield place, block


def _block(packed: bytes, shape: tuple[int, int, int], facts: TiffFacts) -> npt.NDArray[Any]:
    size = int(np.prod(shape)) * facts.dtype.itemsize
    if facts.compression in _DEFLATED:
        packed = zlib.decompressobj().decompress(packed, size)
    if len(packed) < size:
        raise Refusal("it ends before its last rows", EXPORT_AGAIN)
    if facts.predictor == _FLOATING:
        return _summed_floats(np.frombuffer(packed[:size], np.uint8), shape, facts)
    block = np.frombuffer(packed[:size], facts.dtype).reshape(shape)
    if facts.predictor == _HORIZONTAL:
        native = block.astype(block.dtype.newbyteorder("="))
        return np.cumsum(native, axis=1, dtype=native.dtype)
    return block


def _summed_floats(
    rows: npt.NDArray[np.uint8], shape: tuple[int, int, int], facts: TiffFacts
) -> npt.NDArray[Any]:
    """Undo the floating-point predictor: sorted bytes, as differences (TIFF TN 3)."""
    height, _, samples = shape
    each = rows.reshape(height, -1, samples)
    summed = np.cumsum(each, axis=1, dtype=np.uint8).reshape(height, facts.dtype.itemsize, -1)
    floats = np.ascontiguousarray(summed.transpose(0, 2, 1)).view(facts.dtype.newbyteorder(">"))
    return floats.reshape(shape)


def _grey(values: npt.NDArray[Any], facts: TiffFacts) -> Grey:
    first = values[..., 0]
    low, high = first.min().item(), first.max().item()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise Refusal("some of its pixels are not numbers (NaN or infinity)", EXPORT_AGAIN)
    stretched = low < 0 or (facts.sample_format == 3 and high > 1)
    start, full = (low, high - low) if stretched else (0.0, 1.0)
    if not stretched and facts.sample_format != 3:
        full = full_scale(int(high))
    grey: Grey = np.empty(first.shape, np.float32)
    alpha = facts.extra[:1] == (2,)  # 1: multiplied already; 0: nobody knows what it is
    opaque = 1.0 if facts.sample_format == 3 else float(np.iinfo(facts.dtype).max)
    for top in range(0, len(grey), _ROWS):
        rows = slice(top, top + _ROWS)
        part = (first[rows].astype(np.float64) - start) / (full or 1.0)
        if facts.photometric == 0:
            part = 1 - part
        if alpha:
            part *= np.clip(values[rows, :, 1].astype(np.float64) / opaque, 0, 1)
        grey[rows] = part
    return grey


def _grey_of_colour(values: npt.NDArray[Any], facts: TiffFacts) -> tuple[Grey, bool, bool]:
    """Return the grey of 16-bit RGB (H, W, 3 or 4), whether it has colour, and had a tint."""
    colours = values[..., :3]
    full = float(full_scale(int(colours.max())))
    grey, sample = luma(colours, full), colour_sample(colours)
    colour = sampled_colour(sample, full)
    tint = tint_of(sample, full) if colour else None
    if tint is not None:
        tint.remove_from(grey)
    if facts.extra[:1] == (2,):
        grey *= values[..., 3].astype(np.float32) / np.float32(65535)
    return grey, colour and tint is None, tint is not None


def _upright(grey: Grey, orientation: int) -> Grey:
    """Return the picture upright (TIFF 6.0, tag 274)."""
    if orientation in (5, 6, 7, 8):
        grey = grey.T
    if orientation in (3, 4, 7, 8):
        grey = grey[::-1]
    if orientation in (2, 3, 6, 7):
        grey = grey[:, ::-1]
    return np.ascontiguousarray(grey)
