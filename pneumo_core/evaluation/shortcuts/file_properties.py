"""Properties of an X-ray's file: size, proportions, compression."""

from pathlib import Path

import numpy as np
from PIL import Image

from pneumo_core.imaging import FileFacts

__all__ = ["file_properties", "jpeg_quality"]

_PICTURES = {"JPEG", "PNG", "TIFF", "BMP", "WebP"}
_LOSSLESS = {"PNG", "BMP"}
_STANDARD, _STANDARD_FINE = 57.625, 28.0625
"""Mean of the JPEG standard's luminance table (ITU-T T.81, table K.1), which is quality 50, and
mean of the smaller half of its values."""
_LARGEST = 255
"""The upper limit of a table's values."""


def file_properties(facts: FileFacts, path: Path | None) -> dict[str, float]:
    """Measure an X-ray's file; ``path`` is None if it has none of its own, as in an archive.

    What a format doesn't specify is NaN.
    """
    pixels = float(facts.width * facts.height)
    size = path.stat().st_size / pixels if path else float("nan")
    quality, colour = _header(facts.format, path)
    return {
        "width_over_height": facts.width / facts.height,
        "pixels": pixels,
        "bytes_per_pixel": size,
        "jpeg_quality": quality,
        "colour": colour,
    }


def _header(kind: str, path: Path | None) -> tuple[float, float]:
    """Return JPEG quality, and whether three channels are stored (1) or one (0); NaN if unknown."""
    nothing = float("nan")
    if path is None or kind not in _PICTURES:
        return nothing, nothing
    with Image.open(path) as picture:
        colour = float(len(picture.getbands()) >= 3)
        if kind == "JPEG":
            tables: dict[int, list[int]] = getattr(picture, "quantization", {})
            return (jpeg_quality(tables[0]) if 0 in tables else nothing), colour
    return (100.0 if kind in _LOSSLESS else nothing), colour


def jpeg_quality(table: list[int]) -> float:
    """Estimate the quality, 1 to 100, from a JPEG luminance table (64 values).

    It is the setting of the Independent JPEG Group's library with the most similar table.
    """
    percent = 100 * float(np.mean(table)) / _STANDARD
    if max(table) >= _LARGEST:  # clipped: use the smaller half
        percent = 100 * float(np.mean(sorted(table)[:32])) / _STANDARD_FINE
    quality = 5000 / percent if percent > 100 else (200 - percent) / 2
    return float(np.clip(round(quality), 1, 100))
