"""Receive X-rays by C-STORE, and answer C-ECHO, with pynetdicom."""

import logging
import threading
import warnings
from typing import Any
from weakref import WeakKeyDictionary

from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEG2000TransferSyntaxes,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from pneumo_core.errors import PneumoError
from pneumo_core.gateway.config import Dicom
from pneumo_core.gateway.intake import IMAGE_CLASSES, Intake
from pneumo_core.gateway.tls import server_context

__all__ = ["IMAGE_SYNTAXES", "Receiver", "quiet_libraries"]

log = logging.getLogger("pneumo.gateway")

IMAGE_SYNTAXES: tuple[UID, ...] = (
    *(ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian),
    *(DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless),
    *(each for each in JPEGTransferSyntaxes),
    *(each for each in JPEGLSTransferSyntaxes),
    *(each for each in JPEG2000TransferSyntaxes if each != JPEG2000Lossless),
)
"""The transfer syntaxes that can be read."""

_SUCCESS, _OUT_OF_RESOURCES, _CANNOT_UNDERSTAND, _NOT_AUTHORISED = 0x0000, 0xA700, 0xC000, 0xA900
_PDU = 256 * 1024  # bytes; the default of 16 kB cuts an X-ray into hundreds of PDUs
_SLACK = 1 << 20  # bytes of a message beside its file


_LIBRARIES = ("pynetdicom", "pydicom", "highdicom", "dicomweb_client", "urllib3")


def quiet_libraries() -> None:
    """Silence the logs and warnings of other libraries: they hold UIDs, names and datasets."""
    warnings.filterwarnings("ignore", module=r"(pynetdicom|pydicom|highdicom|dicomweb_client)\b")
    for name in _LIBRARIES:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


class Receiver:
    """Receives X-rays by C-STORE. ``start`` returns at once; ``stop`` ends every association.

    Rejects associations with a wrong called AE title, and calling ones that are not listed. Accepts
    CR, DX and SC images only, and answers "out of resources" when an X-ray can't be stored.
    """

    def __init__(self, config: Dicom, intake: Intake) -> None:
        self._config, self._intake = config, intake
        self._server: Any = None
        self._received: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def start(self) -> int:
        """Start to listen, and return the port. Raises PneumoError if that is not possible."""
        quiet_libraries()
        config = self._config
        ssl = server_context(config.tls) if config.tls else None
        handlers: list[Any] = [
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_ECHO, lambda event: _SUCCESS),
            (evt.EVT_PDU_RECV, self._count),
            (evt.EVT_CONN_OPEN, self._be_patient),
            (evt.EVT_REJECTED, self._rejected),
        ]
        try:
            self._server = self._entity().start_server(
                (config.address, config.port), block=False, ssl_context=ssl, evt_handlers=handlers
            )
        except OSError as error:
            raise PneumoError(
                f"DICOM can't listen on {config.address}:{config.port}: {error.strerror}. Stop "
                "what listens there, or set dicom.port."
            ) from error
        return int(self._server.socket.getsockname()[1])

    def stop(self) -> None:
        """Stop listening, and abort every association."""
        if self._server is not None:
            self._server.shutdown()
            self._server = None

    @property
    def associations(self) -> int:
        """Return the number of open associations."""
        return len(self._server.active_associations) if self._server else 0

    def _entity(self) -> AE:
        config = self._config
        entity = AE(ae_title=config.ae_title)
        entity.require_called_aet = True
        entity.require_calling_aet = list(config.calling)
        entity.maximum_associations = config.associations
        entity.maximum_pdu_size = _PDU
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = config.timeout
        for sop_class in IMAGE_CLASSES:
            entity.add_supported_context(sop_class, list(IMAGE_SYNTAXES))
        entity.add_supported_context(Verification)
        return entity

    def _store(self, event: evt.Event) -> int:
        """Queue an X-ray, and return the status; on any error the status is a failure."""
        with self._lock:
            self._received.pop(event.assoc, None)
        try:
            # The bytes as they were sent: nothing of the dataset is decoded here.
            outcome = self._intake.take_in(
                event.encoded_dataset(), str(event.assoc.requestor.ae_title)
            )
        except PneumoError as error:
            log.error("an X-ray could not be stored: %s", error)
            return _OUT_OF_RESOURCES
        if outcome.sop_uid and outcome.sop_uid != str(
            getattr(event.request, "AffectedSOPInstanceUID", "")
        ):
            log.warning("a sender announced another SOP Instance UID than its X-ray has")
        if outcome.accepted:
            return _SUCCESS
        return _OUT_OF_RESOURCES if outcome.answer == "full" else _CANNOT_UNDERSTAND

    def _be_patient(self, event: evt.Event) -> None:
        """Set a timeout for a sender that stops in the middle of a PDU."""
        connection = event.assoc.dul.socket
        if connection is not None and connection.socket is not None:
            connection.socket.settimeout(self._config.timeout)

    def _count(self, event: evt.Event) -> None:
        """Abort a message that is larger than any X-ray may be, while it is being received."""
        items = getattr(event.pdu, "presentation_data_value_items", None)
        if not items:
            return
        with self._lock:
            seen = self._received.get(event.assoc, 0) + sum(len(each) for each in items)
            self._received[event.assoc] = seen
        if seen > self._intake.largest + _SLACK:
            with self._lock:
                self._received[event.assoc] = -(1 << 60)  # count nothing that is still on its way
            reason = f"it is larger than {self._intake.largest / 1e6:g} MB"
            self._intake.note(str(event.assoc.requestor.ae_title), reason)
            event.assoc.abort()

    def _rejected(self, event: evt.Event) -> None:
        self._intake.note(str(event.assoc.requestor.ae_title), "its association was rejected")
