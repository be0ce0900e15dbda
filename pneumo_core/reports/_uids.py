"""Deterministic DICOM UIDs, so that a retry creates no second series."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from pneumo_core.reports.result import Overlay, Result, digest_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

__all__ = ["Uids", "deidentified_uid", "uids_of"]

_OURS = UUID("6b5a0f0e-3f53-5d6e-9a57-9c0f4f1f2f6e")
"""The namespace of our UIDs. Another one would give every result new UIDs."""


@dataclass(frozen=True)
class Uids:
    """UIDs of a study, a series and an image."""

    study: str
    series: str
    instance: str


def uids_of(result: Result, patient: str, header: "Dataset | None", kind: str = "") -> Uids:
    """Return UIDs derived from the X-ray, the checkpoint, its operating point and how it is drawn.

    The probability is not part of them, because its last digit may differ between
    machines. A study is one patient's: ``patient`` is the pseudonym of a de-identified one. With a
    ``header`` the study is the source's where it names one, and the image is that source's own.
    ``kind`` distinguishes other forms of the result from the Secondary Capture, which is "".
    """
    film, reading = digest_of(result.radiograph), result.reading
    study = _uid("study", film, patient, result.deidentified)
    source = ""
    if header is not None:
        study = str(header.get("StudyInstanceUID") or study)
        source = str(header.get("SOPInstanceUID") or "")
    by = (reading.model, reading.version, reading.operating_point, reading.threshold)
    made = (reading.status, result.deidentified, result.software, _drawing(result.overlay))
    image: tuple[object, ...] = (study, source, film, patient, by, made)
    image += (kind,) if kind else ()
    image += _said(result) if kind else ()
    return Uids(study, _uid("series", *image), _uid("instance", *image))


def _said(result: Result) -> tuple[object, ...]:
    """Return what else a report, an outline or a page depends on."""
    reading = result.reading
    opinions = [
        (each.model, each.version, each.operating_point, each.level, each.prevalence)
        for each in result.opinions
    ]
    check = result.overlay.check if result.overlay else ""
    return (result.prevalence, opinions, reading.warnings, reading.inverted, check)


def _drawing(look: Overlay | None) -> tuple[object, ...] | None:
    """Return the heat map options that affect the picture."""
    if look is None:
        return None
    peaks = None if look.peaks is None else [f"{peak:.5g}" for peak in look.peaks]
    heat = look.heat
    weakened = look.strength is not None
    return (heat.method, heat.layer, heat.label, look.opacity, look.contour, peaks, weakened)


def deidentified_uid(uid: str, patient: str) -> str:
    """Return the UID that a de-identified copy of something has, as far as we are asked."""
    return _uid("deidentified", uid, patient)


def _uid(*parts: object) -> str:
    """Return a UID derived from a UUID (PS3.5 B.2)."""
    return f"2.25.{uuid5(_OURS, json.dumps(parts, default=str)).int}"
