"""Make the DICOM result files of an X-ray that was read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from types import MappingProxyType

import pydicom

from pneumo_core.core.labels import PNEUMONIA
from pneumo_core.errors import PneumoError
from pneumo_core.explanations import HeatMap, evidence_strength
from pneumo_core.gateway.config import ResultKind
from pneumo_core.imaging import Radiograph
from pneumo_core.reading import Reader, Reading
from pneumo_core.reports import (
    Overlay,
    Result,
    remember_source,
    result_of,
    to_dicom,
    to_dicom_pdf,
    to_presentation_state,
    to_structured_report,
)

__all__ = ["File", "render"]

_CAPTURE = 1280
"""Longest side of the X-ray in a secondary capture, in pixels. It shows where the evidence is; the
X-ray itself, in full resolution, is beside it in the study."""
_MAKERS: Mapping[ResultKind, Callable[[Result, bytes], bytes]] = MappingProxyType(
    {
        "sc": partial(to_dicom, longest=_CAPTURE),
        "sr": to_structured_report,
        "gsps": to_presentation_state,
        "pdf": to_dicom_pdf,
    }
)


@dataclass(frozen=True)
class File:
    """A result as a DICOM file in bytes."""

    kind: ResultKind
    identified: bool
    sop_uid: str
    sop_class: str
    content: bytes


def render(
    reader: Reader,
    reading: Reading,
    radiograph: Radiograph,
    source: bytes,
    wanted: frozenset[tuple[ResultKind, bool]],
) -> tuple[list[File], list[str]]:
    """Return the result files that are wanted, and a sentence for each that can't be made.

    Args:
        reader: the reader that read it.
        reading: its result, read or refused.
        radiograph: the X-ray as it was read (``Reading.as_read``).
        source: the DICOM file that was received, which the X-ray was decoded from.
        wanted: (kind, identified) of each result.
    """
    remember_source(radiograph, source)
    heat = _heat(reader, reading, radiograph) if wanted else None
    files, trouble = [], []
    for kind, identified in sorted(wanted):
        result = _result(reader, reading, radiograph, heat, identified=identified)
        try:
            files.append(_file(kind, identified, _MAKERS[kind](result, source)))
        except PneumoError as error:
            trouble.append(f"The {kind} result can't be made: {error}")
    return files, trouble


def _heat(reader: Reader, reading: Reading, radiograph: Radiograph) -> HeatMap | None:
    if reading.probability is None:
        return None
    return reader.heat_map(radiograph, PNEUMONIA)


def _result(
    reader: Reader,
    reading: Reading,
    radiograph: Radiograph,
    heat: HeatMap | None,
    *,
    identified: bool,
) -> Result:
    overlay = None
    if heat is not None:
        strength = evidence_strength(heat.method, heat.label, reading.probability or 0.0)
        overlay = Overlay(heat, strength=strength)
    return result_of(
        reading,
        reader.checkpoint,
        radiograph,
        point=reader.operating_point,
        overlay=overlay,
        deidentify=not identified,
    )


def _file(kind: ResultKind, identified: bool, content: bytes) -> File:
    tags = ["SOPInstanceUID", "SOPClassUID"]
    header = pydicom.dcmread(BytesIO(content), stop_before_pixels=True, specific_tags=tags)
    return File(kind, identified, str(header.SOPInstanceUID), str(header.SOPClassUID), content)
