"""What a network sees of an X-ray: the one function that training, reading and maps share."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumo_core.imaging import Radiograph, to_input
from pneumo_core.imaging.resampling import resample
from pneumo_core.lungs.box import Box
from pneumo_core.lungs.finder import find_lungs
from pneumo_core.lungs.installed import lung_finder
from pneumo_core.lungs.polarity import normal_polarity
from pneumo_core.lungs.remarks import remark_about
from pneumo_core.models import Framing, InputFormat

__all__ = ["LungMask", "NetworkInput", "cut_out"]

_VERSION = 3
"""Part of the key: raise it whenever framing gives other pixels."""


@dataclass(frozen=True)
class NetworkInput:
    """Makes a network's input of an X-ray.

    Without ``framing`` the whole X-ray is squashed to a square. With it, the square shows the box
    around the lungs, widened by the framing's margin, with dark lungs: an inverted X-ray is
    corrected. Where no lungs are found, the whole X-ray is shown as it is.

    ``size``: side of the square, in pixels, without ``context``: how many times as far it reaches,
    at the same resolution, so that training can draw other boxes from it.
    """

    size: int
    framing: Framing | None = None
    context: float = 1.0

    @classmethod
    def of(cls, takes: InputFormat) -> "NetworkInput":
        """Return the converter from X-rays to this input format."""
        return cls(takes.size, takes.framing)

    @property
    def side(self) -> int:
        """Side of the square that is made, in pixels."""
        return round(self.size * self.context)

    @property
    def key(self) -> str:
        """Key that distinguishes stored inputs of the same side; empty for whole X-rays."""
        if self.framing is None:
            return ""
        finder = lung_finder().identity
        beyond = "" if self.framing.beyond == "mirror" else f"-{self.framing.beyond}"
        return f"lungs{self.framing.margin:g}x{self.context:g}-{finder}-v{_VERSION}{beyond}"

    def box(self, radiograph: Radiograph) -> Box | None:
        """Return the part of the X-ray that the network sees; None for the whole of it."""
        if self.framing is None:
            return None
        box = find_lungs(normal_polarity(radiograph)).found_box
        return None if box is None else box.widened(self.framing.margin)

    def __call__(self, radiograph: Radiograph) -> NDArray[np.uint8]:
        """Return the network's input of an X-ray, uint8 (side, side), which is made once.

        It is the same whether the X-ray comes from an upload, a dataset or a DICOM file.
        """
        return radiograph.once(("input", self), lambda: self._make(radiograph)).copy()

    def remark(self, radiograph: Radiograph) -> str:
        """Return what to know about this input: a key of ``remarks.REMARKS``, or ""."""
        if self.framing is None:
            return ""
        return remark_about(radiograph)

    def _make(self, radiograph: Radiograph) -> NDArray[np.uint8]:
        box = self.box(radiograph)
        if box is None:
            return to_input(radiograph.pixels, self.side)
        mirrored = self.framing is not None and self.framing.beyond == "mirror"
        wide = box.widened(self.context)
        return cut_out(normal_polarity(radiograph).pixels, wide, self.side, mirrored=mirrored)


@dataclass(frozen=True)
class LungMask:
    """Makes the mask that belongs to a network's input: 255 inside the lungs, 0 outside.

    Where no lungs are found, all of it counts as inside.
    """

    input: NetworkInput

    @property
    def side(self) -> int:
        """Side of the square that is made, in pixels."""
        return self.input.side

    @property
    def key(self) -> str:
        """Key that distinguishes stored masks from stored inputs."""
        return f"mask-{lung_finder().identity}-{self.input.key}"

    def __call__(self, radiograph: Radiograph) -> NDArray[np.uint8]:
        """Return the mask of an X-ray's lungs, uint8 (side, side)."""
        lungs = find_lungs(normal_polarity(radiograph))
        if not lungs.found:
            return np.full((self.side, self.side), 255, np.uint8)
        box = self.input.box(radiograph) or Box(0, 0, 1, 1)
        wide = box.widened(self.input.context)
        return cut_out(lungs.mask.astype(np.float32), wide, self.side, mirrored=False)

    def remark(self, radiograph: Radiograph) -> str:
        """Return nothing: the input's own remark says it."""
        return ""


def cut_out(
    pixels: NDArray[np.float32], box: Box, size: int, *, mirrored: bool = True
) -> NDArray[np.uint8]:
    """Resample a box of an X-ray to a square, antialiased, in 8 bits.

    ``pixels`` float32 (H, W) in [0, 1] → uint8 (size, size). Edges lie between pixels, not on them.
    ``mirrored``: beyond its edges the X-ray is continued by its mirror image, else it is black.
    """
    height, width = pixels.shape
    top, bottom = box.top * height, box.bottom * height
    left, right = box.left * width, box.right * width
    first_row, first_column = math.floor(top), math.floor(left)
    rows, columns = (first_row, math.ceil(bottom)), (first_column, math.ceil(right))
    canvas = _canvas(pixels, rows, columns, mirrored=mirrored)
    edges = (left - first_column, top - first_row, right - first_column, bottom - first_row)
    square = resample(canvas, (size, size), box=edges)
    return np.asarray(np.rint(np.clip(square * 255, 0, 255)), dtype=np.uint8)


def _canvas(
    pixels: NDArray[np.float32], rows: tuple[int, int], columns: tuple[int, int], *, mirrored: bool
) -> NDArray[np.float32]:
    """Rows and columns from the first to before the last, which may lie beyond the X-ray."""
    height, width = pixels.shape
    (top, bottom), (left, right) = rows, columns
    inner = pixels[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    beyond = (
        (max(0, -top), max(0, bottom - height)),
        (max(0, -left), max(0, right - width)),
    )
    if not np.any(beyond):
        return inner
    if not inner.size:
        return np.zeros((bottom - top, right - left), np.float32)
    return np.pad(inner, beyond, mode="symmetric" if mirrored else "constant")
