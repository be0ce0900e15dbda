"""Resampling of X-rays, antialiased."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa  # type: ignore[import-untyped]
from PIL import Image

__all__ = ["resample"]


def resample(
    pixels: npt.NDArray[np.float32],
    shape: tuple[int, int],
    *,
    box: tuple[float, float, float, float] | None = None,
    reducing_gap: float | None = None,
) -> npt.NDArray[np.float32]:
    """Resample an image float32 (H, W) to ``shape`` (height, width), bilinearly and antialiased.

    Args:
        pixels: the image. It is not copied if it is C-contiguous.
        shape: height and width of the result.
        box: the part to resample, as left, top, right and bottom edges in pixels; None for all.
        reducing_gap: Pillow's shortcut for strong reductions; None for none.

    Returns:
        float32 of that shape. Values may exceed the range of ``pixels`` by a rounding error.
    """
    height, width = pixels.shape
    flat = pa.array(np.ascontiguousarray(pixels, dtype=np.float32).reshape(-1))
    image = Image.fromarrow(flat, "F", (width, height))  # not copied
    size = (shape[1], shape[0])
    method = Image.Resampling.BILINEAR
    return np.array(image.resize(size, method, box=box, reducing_gap=reducing_gap))
