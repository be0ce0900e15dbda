"""How the readers of a format say no; `read.py` adds the file's name."""

from pneumo_core.core.settings import MIN_SIDE, Settings

SEND_A_FILM = "Send PNG, JPEG, TIFF, BMP, WebP or DICOM"
SEND_AGAIN = "Export or copy the film again, and send the new file"
SEND_ONE = "Send one film per file"


class Refusal(Exception):
    """A file that cannot become a radiograph: a clause and an imperative, without full stops."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


def refuse_size(width: int, height: int, limits: Settings) -> None:
    """Refuse a film by the size that its header gives, in pixels, before it is decoded."""
    size = f"it is {width} x {height} pixels"
    if min(width, height) < MIN_SIDE:
        remedy = f"Send the film at its original size, at least {MIN_SIDE} pixels a side"
        raise Refusal(f"{size}, too small to be read", remedy)
    if width * height > limits.max_pixels:
        most = f"{limits.max_pixels / 1e6:g} million pixels"
        raise Refusal(
            f"{size}, more than the {most} allowed here",
            "Send a smaller copy, or raise PNEUMO_MAX_MEGAPIXELS",
        )
