"""Receive an X-ray: check its header, write it to disk durably, and queue it."""

import hashlib
import logging
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from typing import Literal, TypeAlias

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalXRayImageStorageForPresentation,
    SecondaryCaptureImageStorage,
)

from pneumo_core.core.files import write_whole
from pneumo_core.core.settings import settings
from pneumo_core.gateway.config import Keeping
from pneumo_core.gateway.queue import Queue
from pneumo_core.gateway.records import Arrival
from pneumo_core.imaging import MANUFACTURER
from pneumo_core.imaging.signature import with_preamble

__all__ = ["IMAGE_CLASSES", "Intake", "Outcome"]

log = logging.getLogger("pneumo.gateway")

IMAGE_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        ComputedRadiographyImageStorage: "CR",
        DigitalXRayImageStorageForPresentation: "DX",
        SecondaryCaptureImageStorage: "SC",
    }
)
"""The SOP classes that are received, and their names."""

Answer: TypeAlias = Literal["taken", "known", "own", "full", "refused"]
_TAGS = [
    *("SOPInstanceUID", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID"),
    *("IssuerOfPatientID", "AccessionNumber", "Modality", "Manufacturer", "ManufacturerModelName"),
]


@dataclass(frozen=True)
class Outcome:
    """What happened to a file that arrived, and the reason if it was not queued.

    taken: queued; known: queued before; own: a result of Pneumo, which is not read; full: try again
    later; refused: it is not an X-ray that the gateway receives.
    """

    answer: Answer
    reason: str = ""
    sop_uid: str = ""
    sop_class: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the sender gets the status Success."""
        return self.answer in ("taken", "known", "own")


class Intake:
    """Receives X-rays, however they are sent. Safe for several threads."""

    def __init__(self, queue: Queue, keep: Keeping) -> None:
        self._queue, self._keep = queue, keep

    @property
    def largest(self) -> int:
        """Return the size of the largest file that is received, in bytes."""
        return settings().max_file_bytes

    def full(self) -> str:
        """Return why nothing can be received now; "" if it can."""
        if self._queue.waiting() >= self._keep.waiting:
            return f"{self._keep.waiting} X-rays are waiting already"
        if shutil.disk_usage(self._queue.folder).free < self._keep.free_mb * 1e6:
            return f"less than {self._keep.free_mb:g} MB of disk space is free"
        return ""

    def take_in(self, data: bytes, sender: str) -> Outcome:
        """Queue a DICOM file; it is on disk, fsynced, when this returns "taken".

        A refusal is noted in the queue, without anything from the header.
        """
        outcome = self._taken(data, sender)
        if outcome.answer in ("refused", "full"):
            self.note(sender, outcome.reason)
        return outcome

    def note(self, sender: str, reason: str) -> None:
        """Note in the queue and the log that something was not received."""
        log.warning("not received: %s", reason)
        self._queue.turn_away(sender, reason)

    def _taken(self, data: bytes, sender: str) -> Outcome:
        if len(data) > self.largest:
            return Outcome("refused", f"it is larger than {self.largest / 1e6:g} MB")
        header = _header(data)
        if header is None:
            return Outcome("refused", "it is not a DICOM file, or its header is damaged")
        sop_uid, sop_class = _text(header, "SOPInstanceUID"), _text(header, "SOPClassUID")
        if why := self._unfit(sop_uid, sop_class, _text(header, "StudyInstanceUID")):
            return Outcome("refused", why, sop_uid, sop_class)
        if _text(header, "Manufacturer") == MANUFACTURER or self._queue.is_result(sop_uid):
            return Outcome("own", "", sop_uid, sop_class)
        if why := self.full():
            return Outcome("full", why, sop_uid, sop_class)
        number = self._keep_film(data, header, sender)
        return Outcome("known" if number is None else "taken", "", sop_uid, sop_class)

    def _unfit(self, sop_uid: str, sop_class: str, study_uid: str) -> str:
        """Return why an instance is not received; "" if it is."""
        if sop_class not in IMAGE_CLASSES:
            return "it is not a CR, DX or SC image"
        if not sop_uid:
            return "it has no SOP Instance UID"
        known = self._queue.film_of(sop_uid)
        if known is not None and known.study_uid != study_uid:  # acknowledged, it would be lost
            return "an X-ray of another study has the same SOP Instance UID"
        return ""

    def _keep_film(self, data: bytes, header: Dataset, sender: str) -> int | None:
        """Return its number in the queue; None if it is already there."""
        digest = hashlib.sha256(data).hexdigest()
        file = f"{digest[:32]}-{secrets.token_hex(4)}.dcm"
        write_whole(self._queue.films / file, data, durable=True, mode=0o600)
        made = " ".join(filter(None, (_text(header, "Manufacturer"), _model(header))))
        arrival = Arrival(
            sop_uid=_text(header, "SOPInstanceUID"),
            sop_class=_text(header, "SOPClassUID"),
            study_uid=_text(header, "StudyInstanceUID"),
            series_uid=_text(header, "SeriesInstanceUID"),
            patient="\0".join((_text(header, "IssuerOfPatientID"), _text(header, "PatientID"))),
            accession=_text(header, "AccessionNumber"),
            modality=_text(header, "Modality"),
            device=made[:64],
            sender=sender,
            file=file,
            size=len(data),
            digest=digest,
        )
        number = None
        try:
            number = self._queue.add(arrival)
        finally:
            if number is None:
                (self._queue.films / file).unlink(missing_ok=True)
        return number


def _header(data: bytes) -> Dataset | None:
    from pneumo_core.imaging.formats.pydicom_settings import lenient_pydicom

    file = BytesIO(with_preamble(data))
    try:
        with lenient_pydicom():
            header = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_TAGS)
            for keyword in _TAGS:
                _text(header, keyword)
    # pydicom's parsers promise no common error, and here each means that the header is damaged.
    except Exception:  # noqa: BLE001
        return None
    return header if len(header) else None


def _text(header: Dataset, keyword: str) -> str:
    return str(header.get(keyword) or "").strip(" \0")


def _model(header: Dataset) -> str:
    return _text(header, "ManufacturerModelName")
