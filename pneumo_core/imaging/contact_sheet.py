"""Many small pictures in one file."""

from collections.abc import Sequence
from io import BytesIO
from math import ceil, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pneumo_core.core.parallel import in_order
from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging.read import read_radiograph
from pneumo_core.imaging.rendering import display_pixels

__all__ = ["contact_sheet"]


def contact_sheet(sources: Sequence[Path | bytes | None], side: int, *, threads: int = 2) -> bytes:
    """Return X-rays as tiles of one JPEG, row by row, ⌈√N⌉ in each row.

    A tile has ``side`` × ``side`` pixels, with the X-ray in its middle, in its own proportions. The
    tile of an X-ray that is missing (None) or cannot be read is black.
    """
    columns = max(1, ceil(sqrt(len(sources))))
    rows = max(1, ceil(len(sources) / columns))
    sheet = np.zeros((rows * side, columns * side), np.uint8)
    for number, tile in enumerate(in_order(lambda file: _tile(file, side), sources, threads)):
        top, left = number // columns * side, number % columns * side
        sheet[top : top + side, left : left + side] = tile
    file = BytesIO()
    Image.fromarray(sheet).save(file, "JPEG", quality=80)
    return file.getvalue()


def _tile(source: Path | bytes | None, side: int) -> NDArray[np.uint8]:
    tile = np.zeros((side, side), np.uint8)
    if source is None:
        return tile
    try:
        pixels = display_pixels(read_radiograph(source, name="film").pixels, side)
    except UnreadableImage:
        return tile
    height, width = pixels.shape
    top, left = (side - height) // 2, (side - width) // 2
    tile[top : top + height, left : left + width] = np.rint(255 * pixels)
    return tile
