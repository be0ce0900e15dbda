"""Refusals by the format readers; `read.py` adds the file's name."""

from pneumo_core.core.settings import MIN_SIDE, Settings

USE_KNOWN_FORMAT = "Use PNG, JPEG, TIFF, BMP, WebP or DICOM"
EXPORT_AGAIN = "Export or copy the X-ray again, and use the new file"
ONE_PER_FILE = "Use one X-ray per file"


class Refusal(Exception):
    """A file can't become a radiograph: a reason and a remedy, without full stops."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def refuse_size(width: int, height: int, limits: Settings) -> None:
    """Refuse an image by the size in its header, in pixels, before it is decoded."""
    size = f"it is {width} x {height} pixels"
    if min(width, height) < MIN_SIDE:
        remedy = f"Use the X-ray at its original size, at least {MIN_SIDE} pixels a side"
        raise Refusal(f"{size}, too small to be read", remedy)
    if width * height > limits.max_pixels:
        most = f"{limits.max_pixels / 1e6:g} million pixels"
        raise Refusal(
            f"{size}, more than the {most} allowed here",
            "Use a smaller copy, or raise PNEUMO_MAX_MEGAPIXELS",
        )
