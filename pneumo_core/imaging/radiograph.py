"""Decoded X-rays, and the facts from their files."""

import io
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from pneumo_core.core.html import html_picture
from pneumo_core.imaging.resampling import resample

__all__ = [
    "MANUFACTURER",
    "FileFacts",
    "LossyStep",
    "Radiograph",
    "Window",
    "WindowFunction",
    "to_input",
]

MANUFACTURER = "Pneumo"
"""The manufacturer in the DICOM header or PNG text of an exported result."""

Made = TypeVar("Made")
WindowFunction = Literal["linear", "linear_exact", "sigmoid"]


@dataclass(frozen=True)
class Window:
    """A window preset of a DICOM file (PS3.3 C.11.2.1.2), in rescaled values."""

    center: float
    width: float
    name: str
    function: WindowFunction


@dataclass(frozen=True)
class LossyStep:
    """A lossy compression: DICOM's term for the method, and the ratio; None if unknown."""

    method: str | None = None
    ratio: float | None = None


@dataclass(frozen=True)
class FileFacts:
    """Facts from a file, without the patient's identity. None if the file does not say.

    Attributes:
        format: "PNG", "JPEG", "TIFF", "BMP", "WebP" or "DICOM"; "array" or "image" from memory.
        width, height: of the pixels as decoded (upright), in pixels.
        bits: bits stored per sample.
        colour: whether the picture has visible colour; greyscale stored as RGB has not.
        photometric: DICOM Photometric Interpretation, or "WhiteIsZero" for such a TIFF.
        age_years: from the DICOM Patient's Age alone.
        pixel_spacing_mm: (between rows, between columns), in the patient or at the detector.
        transfer_syntax: name of the DICOM transfer syntax.
        windows: the file's presets, the one that was applied first.
        orientation: directions of rows and columns (PS3.3 C.7.6.1.1.1), such as ("L", "F").
        burned_in_text: whether the picture shows text that names the patient or the date.
        warnings: what was repaired or ignored to read the file, a sentence each.
        laterality: side of a paired body part, "L" or "R".
        lossy: the picture's lossy compressions, the oldest first.
        from_pneumo: whether it is a result that Pneumo exported.
    """

    format: str
    width: int
    height: int
    bits: int
    colour: bool
    photometric: str | None = None
    modality: str | None = None
    body_part: str | None = None
    view_position: str | None = None
    age_years: float | None = None
    pixel_spacing_mm: tuple[float, float] | None = None
    transfer_syntax: str | None = None
    windows: tuple[Window, ...] = ()
    orientation: tuple[str, str] | None = None
    burned_in_text: bool | None = None
    warnings: tuple[str, ...] = ()
    laterality: str | None = None
    lossy: tuple[LossyStep, ...] = ()
    from_pneumo: bool = False


@dataclass(frozen=True, eq=False)
class Radiograph:
    """One decoded X-ray.

    Attributes:
        name: the file's name without its folder.
        pixels: float32 (H, W), C-contiguous, finite, in [0, 1], bright = dense. The radiograph
            takes the array over and marks it read-only.
        facts: what the file's header says.
        rotated: quarter turns to the left, 0 to 3, since it was decoded.

    Raises:
        ValueError: pixels of another dtype, number of dimensions or memory layout.
    """

    name: str
    pixels: npt.NDArray[np.float32]
    facts: FileFacts
    rotated: int = 0
    _made: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.dtype != np.float32 or pixels.ndim != 2 or not pixels.flags.c_contiguous:
            raise ValueError(
                f"pixels must be C-contiguous float32 (H, W), not {pixels.dtype} {pixels.shape}"
            )
        pixels.setflags(write=False)

    def __repr__(self) -> str:
        height, width = self.pixels.shape
        return f"Radiograph({self.name!r}, {width} × {height} pixels, {self.facts.format})"

    def _repr_html_(self) -> str:
        height, width = self.pixels.shape
        step = max(1, max(height, width) // 320)
        small = Image.fromarray((self.pixels[::step, ::step] * 255).round().astype(np.uint8))
        content = io.BytesIO()
        small.save(content, "PNG")
        return html_picture(content.getvalue(), repr(self))

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """Return ``make()``, computed once per key, so that readings and heat maps share it."""
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made

    def has(self, key: Hashable) -> bool:
        """Return whether ``once`` has computed something for this key."""
        return key in self._made


def to_input(pixels: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.uint8]:
    """Return a whole X-ray as a model's input: resized to a square, antialiased, in 8 bits.

    Args:
        pixels: float32 (H, W) in [0, 1].
        size: the side of the square.

    Returns:
        uint8 (size, size), 255 = densest.
    """
    square = resample(pixels, (size, size))
    square *= 255
    np.rint(square, out=square)
    return np.clip(square, 0, 255, out=square).astype(np.uint8)
