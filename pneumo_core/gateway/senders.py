"""Send results to a destination: by C-STORE, by STOW-RS, or as a notice to a webhook."""

import contextlib
import json
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import pydicom
import requests
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless
from pynetdicom import AE

from pneumo_core.errors import PneumoError
from pneumo_core.gateway.config import Config, Destination, dicom_address
from pneumo_core.gateway.queue import Queue
from pneumo_core.gateway.records import Delivery
from pneumo_core.gateway.tls import client_context

__all__ = ["Rejected", "Sender", "Unreachable", "sender_of"]

_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_CLASSES = (
    _SECONDARY_CAPTURE,
    "1.2.840.10008.5.1.4.1.1.88.22",  # Enhanced SR
    "1.2.840.10008.5.1.4.1.1.11.1",  # Grayscale Softcopy Presentation State
    "1.2.840.10008.5.1.4.1.1.104.1",  # Encapsulated PDF
)
_WARNINGS = range(0xB000, 0xC000)

Send: TypeAlias = Callable[[Delivery], None]


class Unreachable(PneumoError):
    """A destination can't be reached, or the connection broke: try again later."""


class Rejected(PneumoError):
    """A destination rejected one result."""


class Sender(Protocol):
    """Sends results to one destination."""

    def connected(self) -> contextlib.AbstractContextManager[Send]:
        """Connect, and give a function that sends one result.

        Raises Unreachable; the function also raises Rejected.
        """
        ...


class StoreSender:
    """Sends by C-STORE, many results over one association."""

    def __init__(self, destination: Destination, own_title: str, results: Path) -> None:
        self._destination, self._results = destination, results
        self._entity = entity = AE(ae_title=own_title)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = destination.timeout
        entity.connection_timeout = min(destination.timeout, 10)
        for sop_class in _CLASSES:
            self._entity.add_requested_context(
                sop_class, [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
            )
        self._entity.add_requested_context(_SECONDARY_CAPTURE, JPEGLSLossless)
        self._tls = client_context(destination.tls) if destination.tls else None

    @contextlib.contextmanager
    def connected(self) -> Iterator[Send]:
        title, host, port = dicom_address(str(self._destination.dicom))
        tls = (self._tls, host) if self._tls else None
        association = self._entity.associate(host, port, ae_title=title, tls_args=tls)
        if not association.is_established:
            why = "it rejected the association" if association.is_rejected else "no connection"
            raise Unreachable(f"{title} at {host}:{port}: {why}.")
        accepted = {
            (str(c.abstract_syntax), str(c.transfer_syntax[0]))
            for c in association.accepted_contexts
        }
        try:
            yield lambda delivery: self._store(association, accepted, delivery)
        finally:
            if association.is_established:
                association.release()

    def _store(self, association: Any, accepted: set[tuple[str, str]], delivery: Delivery) -> None:
        image = _loaded(self._results, delivery)
        classes = {sop_class for sop_class, _ in accepted}
        if str(image.SOPClassUID) not in classes:
            raise Rejected(f"it does not accept {image.SOPClassUID.name}")
        if (image.SOPClassUID, image.file_meta.TransferSyntaxUID) not in accepted:
            _unpack(image)
        try:
            status = association.send_c_store(image)
        except (ValueError, RuntimeError, AttributeError) as error:
            if not association.is_established:
                raise Unreachable("the association ended") from error
            raise Rejected(f"it can't be encoded ({type(error).__name__})") from error
        if "Status" not in status:
            raise Unreachable("it did not answer")
        if status.Status != 0x0000 and status.Status not in _WARNINGS:
            raise Rejected(f"status 0x{status.Status:04X}")


class StowSender:
    """Sends by STOW-RS."""

    def __init__(self, destination: Destination, results: Path) -> None:
        self._results = results
        self._client = dicomweb_client_of(
            str(destination.dicomweb), destination.token_file, destination.tls, destination.timeout
        )

    @contextlib.contextmanager
    def connected(self) -> Iterator[Send]:
        yield self._store

    def _store(self, delivery: Delivery) -> None:
        image = _loaded(self._results, delivery)
        try:
            answer = self._client.store_instances([image])
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            if status >= 500 or status in (0, 401, 403, 404, 408, 429):
                raise Unreachable(f"HTTP status {status}") from error
            raise Rejected(f"HTTP status {status}") from error
        except (requests.RequestException, OSError, ValueError) as error:
            raise Unreachable(type(error).__name__) from error
        failed = answer.get("FailedSOPSequence")
        if failed:
            reason = failed[0].get("FailureReason")
            raise Rejected(f"failure reason 0x{int(reason or 0):04X}")


class WebhookSender:
    """Posts a notice of each X-ray: its number and its result, without names, IDs or UIDs."""

    def __init__(self, destination: Destination, queue: Queue) -> None:
        self._destination, self._queue = destination, queue

    @contextlib.contextmanager
    def connected(self) -> Iterator[Send]:
        yield self._post

    def _post(self, delivery: Delivery) -> None:
        film = self._queue.film(delivery.film)
        if film is None:
            return
        reading = json.loads(film.reading or "{}")
        told: dict[str, Any] = {"film": film.number, "state": film.state, "reason": film.reason}
        told |= {"sha256": film.digest, "received": film.received, "reading": reading}
        headers = _bearer(self._destination.token_file)
        try:
            answer = requests.post(
                str(self._destination.webhook),
                json=told,
                headers=headers,
                timeout=self._destination.timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Unreachable(type(error).__name__) from error
        if answer.status_code >= 500 or answer.status_code in (401, 403, 404, 408, 429):
            raise Unreachable(f"HTTP status {answer.status_code}")
        if not answer.ok:
            raise Rejected(f"HTTP status {answer.status_code}")


def sender_of(destination: Destination, config: Config) -> Sender:
    """Return the sender for a destination."""
    if destination.webhook:
        return WebhookSender(destination, Queue(config.folder))
    results = config.folder / "results"
    if destination.dicomweb:
        return StowSender(destination, results)
    return StoreSender(destination, config.dicom.ae_title, results)


def dicomweb_client_of(url: str, token_file: Path | None, tls: Any, timeout: float) -> Any:
    """Return a DICOMweb client that does not retry; the outbox does."""
    from dicomweb_client import DICOMwebClient

    session = requests.Session()
    session.headers.update(_bearer(token_file))
    if tls is not None:
        session.cert = (str(tls.certificate), str(tls.key))
        session.verify = str(tls.authorities) if tls.authorities else True
    client = DICOMwebClient(url, session=session, timeout=timeout)
    client.set_http_retry_params(retry=False)
    return client


def _bearer(token_file: Path | None) -> dict[str, str]:
    if token_file is None:
        return {}
    try:
        return {"Authorization": f"Bearer {token_file.read_text(encoding='utf-8').strip()}"}
    except (OSError, UnicodeDecodeError) as error:
        raise PneumoError(f"The token in '{token_file}' can't be read. Check the path.") from error


def _loaded(results: Path, delivery: Delivery) -> Dataset:
    try:
        return pydicom.dcmread(BytesIO((results / str(delivery.file)).read_bytes()))
    except (OSError, pydicom.errors.InvalidDicomError) as error:
        raise Rejected("its file is gone from the gateway's folder") from error


def _unpack(image: Dataset) -> None:
    """Decompress, for an archive that does not accept JPEG-LS."""
    if image.file_meta.TransferSyntaxUID.is_encapsulated:
        image.decompress(generate_instance_uid=False)
