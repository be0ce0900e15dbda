"""The C-STORE and C-ECHO provider, by pynetdicom."""

import logging
import threading
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
from pneumo_core.gateway.intake import FILM_CLASSES, Door
from pneumo_core.gateway.tls import server_context

__all__ = ["FILM_SYNTAXES", "Receiver", "quiet_libraries"]

log = logging.getLogger("pneumo.gateway")

FILM_SYNTAXES: tuple[UID, ...] = (
    *(ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian),
    *(DeflatedExplicitVRLittleEndian, JPEG2000Lossless, RLELossless),
    *(each for each in JPEGTransferSyntaxes),
    *(each for each in JPEGLSTransferSyntaxes),
    *(each for each in JPEG2000TransferSyntaxes if each != JPEG2000Lossless),
)
"""The transfer syntaxes that can be read."""

_SUCCESS, _OUT_OF_RESOURCES, _CANNOT_UNDERSTAND, _NOT_AUTHORISED = 0x0000, 0xA700, 0xC000, 0xA900
_PDU = 256 * 1024  # bytes at once; the default of 16 kB makes hundreds of a film
_SLACK = 1 << 20  # what a message has beside its file


_TALKATIVE = ("pynetdicom", "pydicom", "highdicom", "dicomweb_client", "urllib3")


def quiet_libraries() -> None:
    """Keep other libraries' logs to themselves: they tell UIDs, addresses and datasets."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


class Receiver:
    """Listens for films. ``start`` returns at once; ``stop`` ends every association.

    It answers only who calls it by its own AE title and is among those that may; takes CR, DX and
    SC images and nothing else; and says "out of resources" when it can't keep a film.
    """

    def __init__(self, config: Dicom, door: Door) -> None:
        self._config, self._door = config, door
        self._server: Any = None
        self._received: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def start(self) -> int:
        """Listen; returns the port. Raises PneumoError where that is not possible."""
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
        """Stop listening, and abort what is being received."""
        if self._server is not None:
            self._server.shutdown()
            self._server = None

    @property
    def associations(self) -> int:
        """How many senders are connected."""
        return len(self._server.active_associations) if self._server else 0

    def _entity(self) -> AE:
        config = self._config
        entity = AE(ae_title=config.ae_title)
        entity.require_called_aet = True
        entity.require_calling_aet = list(config.calling)
        entity.maximum_associations = config.associations
        entity.maximum_pdu_size = _PDU
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = config.timeout
        for sop_class in FILM_CLASSES:
            entity.add_supported_context(sop_class, list(FILM_SYNTAXES))
        entity.add_supported_context(Verification)
        return entity

    def _store(self, event: evt.Event) -> int:
        """Keep a film. Whatever goes wrong, the sender hears that it must keep it."""
        with self._lock:
            self._received.pop(event.assoc, None)
        try:
            # The bytes as they were sent: nothing of the dataset is decoded here.
            outcome = self._door.take_in(
                event.encoded_dataset(), str(event.assoc.requestor.ae_title)
            )
        except PneumoError as error:
            log.error("a film could not be kept: %s", error)
            return _OUT_OF_RESOURCES
        if outcome.sop_uid and outcome.sop_uid != str(
            getattr(event.request, "AffectedSOPInstanceUID", "")
        ):
            log.warning("a sender announced another SOP Instance UID than its film has")
        if outcome.accepted:
            return _SUCCESS
        log.warning("a film was not taken in: %s", outcome.reason)
        return _OUT_OF_RESOURCES if outcome.answer == "full" else _CANNOT_UNDERSTAND

    def _be_patient(self, event: evt.Event) -> None:
        """Don't wait for ever for a sender that stops in the middle of something."""
        connection = event.assoc.dul.socket
        if connection is not None and connection.socket is not None:
            connection.socket.settimeout(self._config.timeout)

    def _count(self, event: evt.Event) -> None:
        """Abort a message that is larger than any film may be, while it comes in."""
        items = getattr(event.pdu, "presentation_data_value_items", None)
        if not items:
            return
        with self._lock:
            seen = self._received.get(event.assoc, 0) + sum(len(each) for each in items)
            self._received[event.assoc] = seen
        if seen > self._door.largest + _SLACK:
            with self._lock:
                self._received[event.assoc] = -(1 << 60)  # what is still on its way is no news
            reason = f"it is larger than {self._door.largest / 1e6:g} MB"
            log.warning("a film was not taken in: %s", reason)
            self._door.note(str(event.assoc.requestor.ae_title), reason)
            event.assoc.abort()

    def _rejected(self, event: evt.Event) -> None:
        self._door.note(str(event.assoc.requestor.ae_title), "its association was rejected")
        log.warning("an association was rejected")
