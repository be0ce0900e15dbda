"""Ask a PACS for X-rays and fetch those that are not here yet: QIDO-RS and WADO-RS, or C-FIND and
C-GET or C-MOVE."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any

import pydicom
import requests
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (  # type: ignore[attr-defined]
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from pneumo_core.errors import PneumoError
from pneumo_core.gateway.config import Config, Source, dicom_address
from pneumo_core.gateway.dimse import FILM_SYNTAXES
from pneumo_core.gateway.intake import FILM_CLASSES, Door
from pneumo_core.gateway.queue import Queue
from pneumo_core.gateway.senders import dicomweb_client_of
from pneumo_core.gateway.tls import client_context

__all__ = ["Polled", "Poller", "poll"]

log = logging.getLogger("pneumo.gateway")

_PENDING = (0xFF00, 0xFF01)
_ASKED = ("StudyInstanceUID", "SeriesInstanceUID", "Modality", "BodyPartExamined", "PatientAge")
_YEARS = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}


@dataclass(frozen=True)
class Polled:
    """How many images a PACS named, how many were new, and how many of those came."""

    found: int
    new: int
    taken: int


@dataclass(frozen=True)
class _Image:
    study: str
    series: str
    instance: str


def poll(source: Source, config: Config, queue: Queue, door: Door) -> Polled:
    """Ask a PACS once. What it names is believed only as far as its images say the same.

    Raises PneumoError where the PACS can't be asked, or the queue is full.
    """
    asked = _Web(source) if source.dicomweb else _Dimse(source, config)
    found = []
    for image in asked.images():
        found.append(image)
        if len(found) >= source.most:
            log.warning("%s names more than %d images: the rest is left", source.name, source.most)
            break
    new = [each for each in found if not queue.knows(each.instance)]
    taken = 0
    for image in new:
        if why := door.full():
            raise PneumoError(f"Nothing more is fetched from {source.name}: {why}.")
        taken += _take(asked.fetch(image, queue), image, source, door)
    return Polled(len(found), len(new), taken)


def _take(files: list[bytes] | None, image: _Image, source: Source, door: Door) -> int:
    """Take in what came for an image; None: it came by our own receiver."""
    if files is None:
        return 1
    taken = 0
    for data in files:
        if _instance_of(data) != image.instance:
            door.note(source.name, "the PACS sent another image than it was asked for")
            continue
        taken += door.take_in(data, source.name).answer == "taken"
    return taken


class Poller:
    """Asks every source by its schedule, in a thread of its own each, until ``stop``."""

    def __init__(self, config: Config, queue: Queue, door: Door) -> None:
        self._stopped = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._run, args=(each, config, queue, door), name=f"poll-{each.name}"
            )
            for each in config.source
            if each.every
        ]

    def start(self) -> None:
        """Begin to ask."""
        for each in self._threads:
            each.daemon = True
            each.start()

    def stop(self) -> None:
        """End, after what is being fetched."""
        self._stopped.set()
        for each in self._threads:
            each.join()

    def _run(self, source: Source, config: Config, queue: Queue, door: Door) -> None:
        while True:
            try:
                if not queue.paused:
                    done = poll(source, config, queue, door)
                    log.info("%s: %d images, %d new", source.name, done.found, done.new)
            except PneumoError as error:
                log.warning("%s was not asked to the end: %s", source.name, error)
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
            search = partial(
                self._client.search_for_series, search_filters=filters, fields=list(_ASKED)
            )
            series = self._said(search)
            for each in map(Dataset.from_json, series):
                if _fits(each, self._source):
                    yield from self._of(each)

    def _of(self, series: Dataset) -> Iterator[_Image]:
        study, uid = str(series.StudyInstanceUID), str(series.SeriesInstanceUID)
        found = self._said(lambda: self._client.search_for_instances(study, uid))
        for each in map(Dataset.from_json, found):
            if str(each.get("SOPClassUID", "")) in FILM_CLASSES:
                yield _Image(study, uid, str(each.SOPInstanceUID))

    def fetch(self, image: _Image, queue: Queue) -> list[bytes]:
        made = self._said(
            lambda: self._client.retrieve_instance(
                image.study, image.series, image.instance, media_types=(("application/dicom", "*"),)
            )
        )
        file = BytesIO()
        made.save_as(file, enforce_file_format=True)
        return [file.getvalue()]

    def _said(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        # dicomweb-client, requests and pydicom promise no common error for answers of a PACS.
        except (requests.RequestException, OSError, ValueError, KeyError, AttributeError) as error:
            raise PneumoError(
                f"{self._source.name} gave no usable answer ({type(error).__name__})."
            ) from error


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
            raise PneumoError(f"{self._source.name} can't be reached, or rejects {self._own}.")
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
            if not sop_class or sop_class in FILM_CLASSES:
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
                raise PneumoError(f"{self._source.name} did not answer a C-FIND to the end.")
            if answer is not None:
                found.append(answer)
        return found

    def fetch(self, image: _Image, queue: Queue) -> list[bytes] | None:
        wanted = Dataset()
        wanted.QueryRetrieveLevel = "IMAGE"
        wanted.StudyInstanceUID, wanted.SeriesInstanceUID = image.study, image.series
        wanted.SOPInstanceUID = image.instance
        if self._source.retrieve == "get":
            return self._get(wanted)
        self._move(wanted, image, queue)
        return None

    def _get(self, wanted: Dataset) -> list[bytes]:
        came: list[bytes] = []

        def keep(event: evt.Event) -> int:
            came.append(event.encoded_dataset())
            return 0x0000

        get = StudyRootQueryRetrieveInformationModelGet
        contexts = [(get,), *((each, list(FILM_SYNTAXES)) for each in FILM_CLASSES)]
        roles = [build_role(each, scp_role=True) for each in FILM_CLASSES]
        association = self._associate(
            contexts, ext_neg=roles, evt_handlers=[(evt.EVT_C_STORE, keep)]
        )
        try:
            for _ in association.send_c_get(wanted, get):
                pass
        finally:
            association.release()
        return came

    def _move(self, wanted: Dataset, image: _Image, queue: Queue) -> None:
        """It comes by our own receiver, which must be running under our AE title."""
        move = StudyRootQueryRetrieveInformationModelMove
        association = self._associate([(move,)])
        try:
            for status, _ in association.send_c_move(wanted, self._own, move):
                if "Status" not in status or status.Status not in (0x0000, *_PENDING):
                    raise PneumoError(f"{self._source.name} does not send to {self._own}.")
        finally:
            association.release()
        if not queue.knows(image.instance):
            raise PneumoError(f"{self._source.name} says it sent an image that did not arrive.")


def _dates(source: Source) -> str:
    today = datetime.now()
    return f"{today - timedelta(days=source.days):%Y%m%d}-{today:%Y%m%d}"


def _fits(series: Dataset, source: Source) -> bool:
    """Whether a series is to be fetched: the PACS may have ignored what it was asked for."""
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
