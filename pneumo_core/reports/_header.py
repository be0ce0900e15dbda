"""Whose film it is, as its DICOM header says. Read only for a result that may say so."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from pneumo_core.data import read_radiograph
from pneumo_core.errors import PneumoError
from pneumo_core.reports.result import Result, id_of

__all__ = ["header_of", "quieten", "told_as_damaged"]

_PREAMBLE = bytes(128) + b"DICM"


def header_of(result: Result, source: bytes | Path) -> Dataset:
    """The header of the very file that the result's film was decoded from, without its pixels.

    The file is decoded again and compared: an overlay in another patient's study would be worse
    than none. Raises ValueError for another film, UnreadableFilm for a
    file that is gone, PneumoError for a damaged header.
    """
    film = read_radiograph(source, name=result.reading.file)
    if id_of(film) != result.film_id:
        raise ValueError(f"source is another film than {result.reading.file}")
    data = source if isinstance(source, bytes) else source.read_bytes()
    if data[128:132] != b"DICM":
        data = _PREAMBLE + data
    with told_as_damaged(result):
        return pydicom.dcmread(BytesIO(data), stop_before_pixels=True)


@contextmanager
def told_as_damaged(result: Result) -> Iterator[None]:
    """Whatever goes wrong inside is a damaged header: PneumoError with a way out."""
    try:
        yield
    # pydicom's parsers promise no common error, and here each means that the header is damaged.
    except Exception as error:
        raise PneumoError(
            f"{result.film}: its header is damaged, so its patient and study are unknown. "
            "Ask for the de-identified result, or export the film again."
        ) from error


def quieten() -> None:
    """Keep pydicom's warnings of what a header holds off the terminal, as ``data`` does."""
    warnings.filterwarnings("ignore", module=r"pydicom\.")
