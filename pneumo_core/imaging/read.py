"""Reading of files, arrays and images as radiographs."""

import re
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from io import FileIO
from pathlib import Path
from typing import TypeVar

import numpy as np

from pneumo_core.core.files import on_one_line
from pneumo_core.core.settings import Settings, settings
from pneumo_core.errors import UnreadableImage, wrong_type
from pneumo_core.imaging.formats.pillow_images import picture_size, read_picture
from pneumo_core.imaging.grey_values import Grey
from pneumo_core.imaging.inputs import Given, ImageInput, TextFile, given_as, saved_as
from pneumo_core.imaging.limits import CountedFile
from pneumo_core.imaging.radiograph import FileFacts, Radiograph
from pneumo_core.imaging.refusal import EXPORT_AGAIN, USE_KNOWN_FORMAT, Refusal
from pneumo_core.imaging.signature import image_format
from pneumo_core.imaging.windowing import PixelValues

__all__ = ["image_size", "read_radiograph", "read_values"]

T = TypeVar("T")

_HEAD = 1024
"""Bytes needed to recognise a file's format."""

_TELLING = (OSError, RuntimeError, SyntaxError, ValueError, zlib.error)
"""Decoder exceptions whose message is worth showing."""


def read_radiograph(
    source: ImageInput, *, name: str | None = None, limits: Settings | None = None
) -> Radiograph:
    """Decode one X-ray: PNG, JPEG, TIFF, BMP, WebP or DICOM, recognised by its bytes.

    Colour becomes Rec. 601 luma, transparency lies over black, EXIF rotation is applied. 8-bit
    pictures are divided by 255; wider ones by the smallest 2^k - 1 (k >= 8) that holds their
    maximum. A DICOM file is rescaled, then shown through its VOI table or its first window, or over
    its full range without one; MONOCHROME1 is inverted.

    An array or a Pillow image is read as if it had been saved without loss: uint8 is
    divided by 255, wider whole numbers in [0, 65535] by the smallest 2^k - 1 (k >= 8) that holds
    their maximum, and floats must lie in [0, 1]. Bright is dense.

    Args:
        source: a path; the bytes of a file; a file opened for reading bytes, read from where it
            stands and left open; an array (H, W), or uint8 (H, W, 3 or 4); a Pillow image.
        name: the X-ray's name; default the file's name, else "film".
        limits: limits of size; default those of the environment.

    Raises:
        UnreadableImage: the content can't be read; no other error is raised for any content.
        TypeError: a source, name or limits of another type, or an array of another dtype.
    """
    shown, told, (pixels, facts) = _opened(source, name, limits, _decode)
    return Radiograph(shown, pixels, replace(facts, format=told or facts.format))


def read_values(
    source: ImageInput, *, name: str | None = None, limits: Settings | None = None
) -> PixelValues:
    """Read an X-ray's values before any window, to show it through other windows.

    A DICOM file keeps its rescaled values; any other picture the grey of ``read_radiograph``.
    Models don't use this. Arguments and errors are those of ``read_radiograph``.
    """
    return _opened(source, name, limits, _decode_values)[-1]


def image_size(path: Path | str) -> tuple[int, int]:
    """Return (width, height) from a file's header, before any rotation; no pixel is decoded.

    Raises UnreadableImage.
    """
    path = Path(path)
    with _refusing(on_one_line(path.name)), CountedFile(FileIO(path)) as file:
        kind = image_format(file.read(_HEAD))
        file.seek(0)
        if kind == "DICOM":
            _refuse_without_pydicom()
            from pneumo_core.imaging.formats.dicom import dicom_size

            return dicom_size(file)
        return picture_size(file, kind)


def _opened(
    source: ImageInput,
    name: str | None,
    limits: Settings | None,
    decode: Callable[[bytes, Settings], T],
) -> tuple[str, str | None, T]:
    """Return the X-ray's name, its format if the bytes don't give it, and ``decode`` of its bytes.

    Raises UnreadableImage, and TypeError.
    """
    if not isinstance(limits, Settings | None):
        raise wrong_type("limits", "pneumo_core.core.settings.Settings", limits)
    limits = limits or settings()
    given = given_as(source)
    shown = _shown_name(given, name)
    with _refusing(shown):
        if isinstance(given, Path):
            return shown, None, decode(_contents(given, limits), limits)
        data, told, fitting = saved_as(given, limits)
        return shown, told, decode(data, fitting)


@contextmanager
def _refusing(shown: str) -> Generator[None]:
    """Turn any exception from decoding a file into UnreadableImage."""
    try:
        yield
    except Refusal as refusal:
        raise UnreadableImage(shown, refusal.reason, refusal.remedy) from refusal.__cause__
    except TextFile as error:
        raise TypeError(str(error)) from None
    except MemoryError as error:
        raise UnreadableImage(
            shown, "it needs more memory than this machine has free", "Use a smaller copy"
        ) from error
    # Pillow, pydicom, zlib and the codecs have no common exception, and each of theirs means that
    # the file is damaged.
    except Exception as error:
        raise UnreadableImage(shown, f"it is damaged: {_detail(error)}", EXPORT_AGAIN) from error


def _shown_name(source: Given, name: str | None) -> str:
    if not isinstance(name, str | None):
        raise wrong_type("An X-ray's name", "a str", name)
    own = getattr(source, "name", "")  # of a path or a file; a file may have a number
    given = name if name is not None else own if isinstance(own, str) else ""
    return on_one_line(re.split(r"[/\\]", given)[-1]) or "film"


def _contents(path: Path, limits: Settings) -> bytes:
    """Read a file's bytes, at most one more than allowed, whatever its size says."""
    try:
        if path.is_dir():
            raise Refusal("this is a folder", "Give the X-rays in it, one file each")
        if path.exists() and not path.is_file():
            raise Refusal("this is not a regular file", USE_KNOWN_FORMAT)
        _refuse_large(path.stat().st_size, limits)
        with path.open("rb") as file:
            return file.read(limits.max_file_bytes + 1)
    except FileNotFoundError as error:
        raise Refusal("the file does not exist", "Check the path") from error
    except PermissionError as error:
        raise Refusal(
            "you have no permission to read it", "Change its permissions or copy it"
        ) from error
    except OSError as error:
        raise Refusal(f"it cannot be opened: {_detail(error)}", "Check the path") from error


def _refuse_large(size: int, limits: Settings) -> None:
    if size > limits.max_file_bytes:
        raise Refusal(
            f"it is larger than the {limits.max_file_bytes / 1e6:g} MB allowed here",
            "Use a smaller file, or raise PNEUMO_MAX_FILE_MB",
        )


def _decode(data: bytes, limits: Settings) -> tuple[Grey, FileFacts]:
    _refuse_large(len(data), limits)
    kind = image_format(data)
    with np.errstate(all="ignore"):  # overflows are refused below
        if kind == "DICOM":
            _refuse_without_pydicom()
            from pneumo_core.imaging.formats.dicom import read_dicom

            pixels, facts = read_dicom(data, limits)
        else:
            pixels, facts = read_picture(data, kind, limits)
    made_up = (
        kind == "DICOM" or facts.bits > 8
    )  # computed by the file's formula, or stored as floats
    if made_up and not _finite(pixels):
        raise Refusal("some of its values are not numbers", EXPORT_AGAIN)
    return np.ascontiguousarray(pixels), facts


def _refuse_without_pydicom() -> None:
    """Refuse DICOM if pydicom, an extra, is not installed."""
    if find_spec("pydicom") is None:
        raise Refusal(
            "this is a DICOM file, and the library that reads them is not installed",
            "Install it: pip install 'pneumo[dicom]'",
        )


def _decode_values(data: bytes, limits: Settings) -> PixelValues:
    if image_format(data) != "DICOM":
        return PixelValues(_decode(data, limits)[0], inverted=False)
    _refuse_large(len(data), limits)
    from pneumo_core.imaging.formats.dicom import read_dicom_values

    with np.errstate(all="ignore"):
        film = read_dicom_values(data, limits)
    if not _finite(film.values):
        raise Refusal("some of its values are not numbers", EXPORT_AGAIN)
    return film


def _finite(values: Grey) -> bool:
    """Return whether all values are finite, by minimum and maximum, which need no large mask."""
    return bool(np.isfinite(values.min()) and np.isfinite(values.max()))


def _detail(error: Exception) -> str:
    """Return a decoder's message as the end of a clause."""
    if not isinstance(error, _TELLING):
        return "its contents are inconsistent"
    first_line = str(error).strip().split("\n")[0].rstrip(".: ")
    first_line = "".join(c for c in first_line if c.isprintable())
    return first_line[:160] or "its contents are inconsistent"
