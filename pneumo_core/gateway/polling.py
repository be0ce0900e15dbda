"""Query a PACS and fetch new X-rays: by QIDO-RS and WADO-RS, or by C-FIND and C-GET or C-MOVE."""

import contextlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from pneumo_core.errors import PneumoError
from pneumo_core.gateway.config import Config, Source, dicom_address
from pneumo_core.gateway.dimse import IMAGE_SYNTAXES
from pneumo_core.gateway.intake import IMAGE_CLASSES, Intake
from pneumo_core.gateway.queue import Queue
from pneumo_core.gateway.senders import dicomweb_client_of
from pneumo_core.gateway.tls import client_context

__all__ = ["Polled", "Poller", "poll"]

log = logging.getLogger("pneumo.gateway")

_PENDING = (0xFF00, 0xFF01)
_FAILURES = 5
"""Images of one poll that may fail before the rest waits for the next poll."""
_MATCHES = 20_000
"""Matches of one C-FIND; a PACS that sends more than that is taken as faulty."""
_ASKED = ("StudyInstanceUID", "SeriesInstanceUID", "Modality", "BodyPartExamined", "PatientAge")
_YEARS = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}


@dataclass(frozen=True)
class Polled:
    """How many images a PACS has, how many of them were new, and how many of those were queued."""

    found: int
    new: int
    taken: int


@dataclass(frozen=True)
class _Image:
    study: str
    series: str
    instance: str


def poll(source: Source, config: Config, queue: Queue, intake: Intake) -> Polled:
    """Query a PACS once, and fetch the images that are not in the queue.

    What it answers is checked again: an image must have the UID that was asked for, and pass the
    same checks as one that was sent. Raises PneumoError if the PACS can't be reached or its answers
    can't be understood, or if the queue is full.
    """
    pacs: _Web | _Dimse = _Web(source) if source.dicomweb else _Dimse(source, config)
    found, new = 0, []
    with _answers_of(source):
        for image in pacs.images():
            found += 1
            if not queue.knows(image.instance):
                new.append(image)
            if len(new) == source.most:
                log.warning("%s has %d new images or more: the rest waits", source.name, len(new))
                break
    taken = failed = 0
    for image in new:
        if why := intake.full():
            raise PneumoError(f"Nothing more is fetched from {source.name}: {why}.")
        try:
            with _answers_of(source):
                files = pacs.fetch(image)
        except PneumoError as error:
            failed += 1
            intake.note(source.name, "the PACS listed it but could not send it")
            if failed == _FAILURES:
                raise
            log.warning("an image was not fetched: %s", error)
            continue
        taken += _take(files, image, source, intake)
        taken += files == [] and queue.knows(image.instance)  # C-MOVE: our own receiver took it
    return Polled(found, len(new), taken)


@contextlib.contextmanager
def _answers_of(source: Source) -> Iterator[None]:
    """Turn whatever an unusable answer raises into a PneumoError."""
    try:
        yield
    except PneumoError:
        raise
    # dicomweb-client, requests, pynetdicom and pydicom have no common error for a PACS's answers.
    except Exception as error:
        raise PneumoError(
            f"{source.name} sent no usable response ({type(error).__name__}). Check its address "
            "and its log."
        ) from error


def _take(files: list[bytes], image: _Image, source: Source, intake: Intake) -> int:
    """Queue the files that came for an image; how many were new."""
    taken = 0
    for data in files:
        if _instance_of(data) != image.instance:
            intake.note(source.name, "the PACS sent a different image from the one requested")
            continue
        taken += intake.take_in(data, source.name).answer == "taken"
    return taken


class Poller:
    """Queries each source on its schedule until ``stop``, each in its own thread."""

    def __init__(self, config: Config, queue: Queue, intake: Intake) -> None:
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._run, args=(each, config, queue, intake), name=f"poll-{each.name}"
            )
            for each in config.source
            if each.every
        ]

    def start(self) -> None:
        """Start the threads."""
        for each in self._threads:
            each.daemon = True
            each.start()

    def stop(self) -> None:
        """Stop once the images that are being fetched have come."""
        self._stopped.set()
        for each in self._threads:
            each.join()

    def _run(self, source: Source, config: Config, queue: Queue, intake: Intake) -> None:
        while True:
            try:
                if not queue.paused:
                    done = poll(source, config, queue, intake)
                    log.info("%s: %d images, %d new", source.name, done.found, done.new)
            except PneumoError as error:
                log.warning("polling %s stopped early: %s", source.name, error)
            if self._stopped.wait(source.every * 60):
                return


class _Web:
    """DICOMweb."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._client = dicomweb_client_of(
            str(source.dicomweb), source.token_file, source.tls, source.timeout
        )

    def images(self) -> Iterator[_Image]:
        for modality in self._source.modalities:
            filters = {"StudyDate": _dates(self._source), "Modality": modality}
            series = self._client.search_for_series(search_filters=filters, fields=list(_ASKED))
            for each in map(Dataset.from_json, series):
                if _fits(each, self._source):
                    yield from self._of(str(each.StudyInstanceUID), str(each.SeriesInstanceUID))

    def _of(self, study: str, series: str) -> Iterator[_Image]:
        found = self._client.search_for_instances(study, series)
        for each in map(Dataset.from_json, found):
            if str(each.get("SOPClassUID", "")) in IMAGE_CLASSES:
                yield _Image(study, series, str(each.SOPInstanceUID))

    def fetch(self, image: _Image) -> list[bytes]:
        dataset = self._client.retrieve_instance(
            image.study, image.series, image.instance, media_types=(("application/dicom", "*"),)
        )
        file = BytesIO()
        dataset.save_as(file, enforce_file_format=True)
        return [file.getvalue()]


class _Dimse:
    """C-FIND, and C-GET or C-MOVE."""

    def __init__(self, source: Source, config: Config) -> None:
        self._source, self._own = source, config.dicom.ae_title
        self._title, self._host, self._port = dicom_address(str(source.dicom))
        self._tls = (client_context(source.tls), self._host) if source.tls else None

    def _associate(self, contexts: list[Any], **told: Any) -> Any:
        entity = AE(ae_title=self._own)
        entity.acse_timeout = entity.dimse_timeout = self._source.timeout
        entity.network_timeout = self._source.timeout
        entity.connection_timeout = min(self._source.timeout, 10)
        for context in contexts:
            entity.add_requested_context(*context)
        made = entity.associate(
            self._host, self._port, ae_title=self._title, tls_args=self._tls, **told
        )
        if not made.is_established:
            raise PneumoError(
                f"{self._source.name} can't be reached, or rejects the AE title {self._own}. Check "
                "its address, and that this title is configured there."
            )
        return made

    def images(self) -> Iterator[_Image]:
        find = StudyRootQueryRetrieveInformationModelFind
        association = self._associate([(find,)])
        try:
            for study in self._find(association, "STUDY", StudyDate=_dates(self._source)):
                uid = str(study.StudyInstanceUID)
                for series in self._find(association, "SERIES", StudyInstanceUID=uid):
                    if _fits(series, self._source):
                        yield from self._of(association, uid, str(series.SeriesInstanceUID))
        finally:
            association.release()

    def _of(self, association: Any, study: str, series: str) -> Iterator[_Image]:
        told = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPClassUID": ""}
        for each in self._find(association, "IMAGE", SOPInstanceUID="", **told):
            sop_class = str(each.get("SOPClassUID") or "")
            if not sop_class or sop_class in IMAGE_CLASSES:
                yield _Image(study, series, str(each.SOPInstanceUID))

    def _find(self, association: Any, level: str, **told: str) -> list[Dataset]:
        query = Dataset()
        query.QueryRetrieveLevel = level
        wanted = {"STUDY": ("StudyInstanceUID",), "SERIES": _ASKED, "IMAGE": ()}[level]
        for keyword in wanted:
            setattr(query, keyword, "")
        for keyword, value in told.items():
            setattr(query, keyword, value)
        found = []
        find = StudyRootQueryRetrieveInformationModelFind
        for status, answer in association.send_c_find(query, find):
            if "Status" not in status or status.Status not in (0x0000, *_PENDING):
                raise PneumoError(f"{self._source.name} ended a C-FIND before its final response.")
            if answer is not None:
                found.append(answer)
            if len(found) > _MATCHES:
                association.abort()
                raise PneumoError(
                    f"{self._source.name} answered one C-FIND with more than {_MATCHES:,} matches. "
                    "Ask for fewer days."
                )
        return found

    def fetch(self, image: _Image) -> list[bytes]:
        """Return the files that came; C-MOVE has them sent to our own receiver instead."""
        wanted = Dataset()
        wanted.QueryRetrieveLevel = "IMAGE"
        wanted.StudyInstanceUID, wanted.SeriesInstanceUID = image.study, image.series
        wanted.SOPInstanceUID = image.instance
        if self._source.retrieve == "get":
            return self._get(wanted)
        self._move(wanted)
        return []

    def _get(self, wanted: Dataset) -> list[bytes]:
        came: list[bytes] = []

        def keep(event: evt.Event) -> int:
            came.append(event.encoded_dataset())
            return 0x0000

        get = StudyRootQueryRetrieveInformationModelGet
        contexts = [(get,), *((each, list(IMAGE_SYNTAXES)) for each in IMAGE_CLASSES)]
        roles = [build_role(each, scp_role=True) for each in IMAGE_CLASSES]
        association = self._associate(
            contexts, ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, keep)]
        )
        try:
            for _ in association.send_c_get(wanted, get):
                pass
        finally:
            association.release()
        return came

    def _move(self, wanted: Dataset) -> None:
        """Request a C-MOVE to our AE title, under which our own receiver must be running."""
        move = StudyRootQueryRetrieveInformationModelMove
        association = self._associate([(move,)])
        try:
            for status, _ in association.send_c_move(wanted, self._own, move):
                if "Status" not in status or status.Status not in (0x0000, *_PENDING):
                    raise PneumoError(
                        f"{self._source.name} did not send an image to {self._own}. Check that "
                        "this AE title is configured there, and that the gateway is running."
                    )
        finally:
            association.release()


def _dates(source: Source) -> str:
    today = datetime.now()
    return f"{today - timedelta(days=source.days):%Y%m%d}-{today:%Y%m%d}"


def _fits(series: Dataset, source: Source) -> bool:
    """Return whether a series passes the source's filter, which the PACS may have ignored."""
    if str(series.get("Modality") or "").upper() not in source.modalities:
        return False
    part = str(series.get("BodyPartExamined") or "").upper()
    if part and source.body_parts and part not in source.body_parts:
        return False
    age = str(series.get("PatientAge") or "")
    if source.ages is None or len(age) != 4 or not age[:3].isdecimal() or age[3] not in _YEARS:
        return True
    return source.ages[0] <= int(age[:3]) / _YEARS[age[3]] < source.ages[1] + 1


def _instance_of(data: bytes) -> str:
    try:
        header = pydicom.dcmread(
            BytesIO(data), stop_before_pixels=True, specific_tags=["SOPInstanceUID"]
        )
        return str(header.get("SOPInstanceUID") or "")
    except (pydicom.errors.InvalidDicomError, ValueError, OSError):
        return ""
