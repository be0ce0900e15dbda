"""Patient and study of an X-ray, from its DICOM header."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from pneumo_core.errors import PneumoError
from pneumo_core.imaging import read_radiograph
from pneumo_core.imaging.signature import with_preamble
from pneumo_core.reports.result import Result, decoded_from, digest_of, remember_source

__all__ = ["header_of", "patient_of", "told_as_damaged"]


def header_of(result: Result, source: bytes | Path) -> Dataset:
    """Return the header, without pixels, of the file that the result's X-ray was decoded from.

    The file is decoded again and compared, unless that was done before: an overlay in another
    patient's study would be worse than none. Raises ValueError for another X-ray, UnreadableImage
    for a file that is gone, PneumoError for a damaged header.
    """
    data = source if isinstance(source, bytes) else _bytes_of(source, result)
    if not decoded_from(result.radiograph, data):
        _check(result, data)
        remember_source(result.radiograph, data)
    with told_as_damaged(result):
        return pydicom.dcmread(BytesIO(with_preamble(data)), stop_before_pixels=True)


def _bytes_of(source: Path, result: Result) -> bytes:
    try:
        return source.read_bytes()
    except OSError:
        read_radiograph(source, name=result.reading.file)  # says why it can't be read
        raise


def _check(result: Result, data: bytes) -> None:
    """Raise ValueError unless the result's X-ray was decoded from this file."""
    film = result.reading.as_read(read_radiograph(data, name=result.reading.file))
    if digest_of(film) != digest_of(result.radiograph):
        raise ValueError(f"source is a different X-ray from {result.reading.file}")


def patient_of(result: Result, source: bytes | Path) -> tuple[str, str] | None:
    """Return issuer and ID of the patient, to distinguish patients.

    None if the header has no ID or can't be read. Raises ValueError for another X-ray.
    """
    try:
        header = header_of(result, source)
        with told_as_damaged(result):
            issuer, patient = (
                str(header.get(keyword) or "").strip()
                for keyword in ("IssuerOfPatientID", "PatientID")
            )
    except PneumoError:  # without a patient's ID, the X-ray identifies the patient
        return None
    return (issuer, patient) if patient else None


@contextmanager
def told_as_damaged(result: Result) -> Iterator[None]:
    """Turn any error inside into a PneumoError about a damaged header."""
    try:
        yield
    # pydicom's parsers promise no common error, and here each means that the header is damaged.
    except Exception as error:
        raise PneumoError(
            f"{result.film}: its header is damaged, so its patient and study are unknown. "
            "Ask for the de-identified result, or export the X-ray again."
        ) from error
