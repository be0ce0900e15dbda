"""Kinds of input for an X-ray: a path, bytes, an open file, an array or a Pillow image.

An array or a Pillow image is encoded losslessly as a file first, so that the same rules apply to
files and to memory.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image

from pneumo_core.core.settings import Settings
from pneumo_core.errors import wrong_type
from pneumo_core.imaging.refusal import EXPORT_AGAIN, ONE_PER_FILE, Refusal, refuse_size

__all__ = ["Given", "ImageInput", "TextFile", "given_as", "saved_as"]

ImageInput: TypeAlias = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | IO[bytes]
    | npt.NDArray[Any]
    | Image.Image
)
"""Types that ``read_radiograph`` accepts."""

Given: TypeAlias = Path | bytes | IO[bytes] | npt.NDArray[Any] | Image.Image
"""The same, reduced to fewer types."""

_TAKES = (
    "a path, the bytes of a file, a file opened for reading bytes, a NumPy array or a Pillow image"
)
_SAVED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("1", "L", "LA", "P", "RGB", "RGBA", "I;16"), "PNG"),
        **dict.fromkeys(("I", "F", "LAB"), "TIFF"),
    }
)
"""Lossless file format of each Pillow mode."""
_DEEP = ("I", "F")
_KNOWN_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in ("PNG", "JPEG", "TIFF", "BMP")},
        "MPO": "JPEG",
        "WEBP": "WebP",
    }
)
_SCALE = "Scale them to [0, 1], or pass the X-ray as uint8 or uint16"


class TextFile(TypeError):
    """The file was opened for reading text."""


def given_as(source: object) -> Given:
    """Return the source as one of few types. Raises TypeError for anything else."""
    if isinstance(source, str | os.PathLike):
        return Path(os.fsdecode(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if isinstance(source, np.ndarray):
        return _checked(source)
    if isinstance(source, Image.Image) or callable(getattr(source, "read", None)):
        return source  # type: ignore[return-value]
    raise wrong_type("An X-ray", _TAKES, source)


def saved_as(source: Given, limits: Settings) -> tuple[bytes, str | None, Settings]:
    """Return the bytes of a file with the X-ray, the format to report, and limits that allow it.

    Not for paths. The format is None if the bytes give it. Raises Refusal, and TextFile.
    """
    if isinstance(source, bytes):
        return source, None, limits
    if isinstance(source, np.ndarray):
        image, told = _picture(source, limits), "array"
    elif isinstance(source, Image.Image):
        image, told = source, _KNOWN_FORMATS.get(source.format or "", "image")
    else:
        return _read(source, limits), None, limits
    saved = _saved(image, limits)
    return saved, told, replace(limits, max_file_bytes=max(limits.max_file_bytes, len(saved)))


def _read(file: Any, limits: Settings) -> bytes:
    """Read the rest of an open file, at most one byte more than allowed."""
    parts, left = [], limits.max_file_bytes + 1
    while left > 0 and (part := _part(file, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _part(file: Any, size: int) -> bytes:
    try:
        part = file.read(size)
    except (OSError, ValueError) as error:  # ValueError: the file is closed
        raise Refusal(f"it can't be read: {str(error).rstrip('.')}", "Open it again") from error
    if isinstance(part, str):
        raise TextFile("The file gives text. Open it for reading bytes: open(path, 'rb').")
    return bytes(part or b"")


def _checked(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the array. Raises TypeError for a dtype that can't be an X-ray."""
    if array.dtype.kind not in "uif":
        raise TypeError(
            f"An array of {array.dtype} can't be an X-ray. Pass uint8, uint16, or floats in [0, 1]."
        )
    return array


def _picture(array: npt.NDArray[Any], limits: Settings) -> Image.Image:
    """Return grey (H, W), or uint8 colour (H, W, 3 or 4), as a Pillow image."""
    colour = array.ndim == 3 and array.shape[2] in (3, 4) and array.dtype == np.uint8
    if array.ndim != 2 and not colour:
        raise Refusal(
            f"it is an array of {array.dtype} with the shape {array.shape}",
            "Pass one grey X-ray (H, W), or uint8 colour (H, W, 3)",
        )
    refuse_size(array.shape[1], array.shape[0], limits)
    if np.ma.is_masked(array):
        raise Refusal("some of its values are masked", "Fill them before you pass the array")
    values = np.asarray(array)
    if values.dtype.kind == "f":
        return Image.fromarray(_unit_floats(values))
    return Image.fromarray(values if values.dtype == np.uint8 else _sixteen_bits(values))


def _unit_floats(values: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    lowest, highest = values.min(), values.max()
    if lowest < 0 or highest > 1:
        raise Refusal(
            f"its values go from {lowest:g} to {highest:g}, and floats must lie in [0, 1]", _SCALE
        )
    return np.ascontiguousarray(values, np.float32)


def _sixteen_bits(values: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    lowest, highest = int(values.min()), int(values.max())
    if lowest < 0 or highest > 0xFFFF:
        raise Refusal(
            f"its values go from {lowest} to {highest}, and whole numbers must lie in [0, 65535]",
            "Shift or scale its values, and pass them as uint16",
        )
    return np.ascontiguousarray(values, np.uint16)


def _saved(image: Image.Image, limits: Settings) -> bytes:
    """Return the picture as a file; the picture itself is unchanged."""
    refuse_size(image.width, image.height, limits)
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        raise Refusal(f"it has {image.n_frames} frames", ONE_PER_FILE)  # type: ignore[attr-defined]
    image.load()
    _refuse_ambiguous(image)
    fit = _convertible(image)
    file = BytesIO()
    options = {"compress_level": 1} if _SAVED[fit.mode] == "PNG" else {}
    fit.save(file, _SAVED[fit.mode], exif=_turned(image), **options)
    return file.getvalue()


def _turned(image: Image.Image) -> Image.Exif:
    """Return the EXIF orientation alone, without other metadata."""
    exif, orientation = Image.Exif(), image.getexif().get(ExifTags.Base.Orientation)
    if orientation:
        exif[ExifTags.Base.Orientation] = orientation
    return exif


def _refuse_ambiguous(image: Image.Image) -> None:
    """Refuse deep pictures whose scale is stated only in their file."""
    if not image.mode.startswith(_DEEP):
        return
    if getattr(image, "tag_v2", {}).get(262) == 0:
        raise Refusal("its white is 0, which Pillow leaves to you", "Pass the file itself")
    if image.mode == "F":
        _unit_floats(np.asarray(image))
    elif np.asarray(image).min() < 0:
        raise Refusal("some of its values are below 0", EXPORT_AGAIN)


def _convertible(image: Image.Image) -> Image.Image:
    """Return the picture in a mode that can be saved without loss."""
    if image.mode in _SAVED:
        return image
    if image.mode.startswith(_DEEP):
        return image.convert("I")
    if image.mode == "La":  # converts to its own straight form only
        return image.convert("LA")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
