"""The gateway's process: receive, read and send until it is stopped."""

import base64
import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from pneumo_core.errors import AuditError, PneumoError, UnreadableImage
from pneumo_core.gateway.config import Config
from pneumo_core.gateway.dimse import Receiver, quiet_libraries
from pneumo_core.gateway.http import HttpServer
from pneumo_core.gateway.intake import Intake
from pneumo_core.gateway.keeping import clean_up, remove_orphans
from pneumo_core.gateway.outbox import Outbox
from pneumo_core.gateway.polling import Poller
from pneumo_core.gateway.queue import Queue

if TYPE_CHECKING:  # reading takes seconds to import: X-rays are received meanwhile
    from pneumo_core.gateway.worker import Worker
    from pneumo_core.imaging import Radiograph
    from pneumo_core.reading import Reader, Reading

__all__ = ["Gateway"]

log = logging.getLogger("pneumo.gateway")

_CLEAN_EVERY_S = 60.0


class Gateway:
    """All services of a configuration. Call ``start``, then ``stop``.

    X-rays are received at once; reading begins when the model is loaded. Raises PneumoError if a
    port can't be opened, or another gateway uses the same folder.
    """

    def __init__(self, config: Config) -> None:
        quiet_libraries()
        self.config = config
        self.queue = Queue(config.folder)
        self.intake = Intake(self.queue, config.keep)
        self.receiver = Receiver(config.dicom, self.intake)
        self.outbox = Outbox(config, self.queue)
        self.poller = Poller(config, self.queue, self.intake)
        self.reader: Reader | None = None
        self.trouble = ""
        self.started = time.time()
        self._worker: Worker | None = None
        self._http: HttpServer | None = None
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Open the ports and start all threads."""
        self._own = _own(self.config)
        remove_orphans(self.queue)
        if self.config.dicom.port:
            self.port = self.receiver.start()
            log.info("receiving by DICOM as %s", self.config.dicom.ae_title)
        if self.config.http.port:
            self._http = HttpServer(self)
            self._http.start()
        self.outbox.start()
        self.poller.start()
        for work in (self._load_and_read, self._clean):
            thread = threading.Thread(target=work, name=work.__name__, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Close the ports, finish the X-rays that are being read, and stop."""
        self._stopped.set()
        self.poller.stop()
        self.receiver.stop()
        if self._http:
            self._http.stop()
        for thread in self._threads:
            thread.join()
        if self._worker:
            self._worker.stop()
        self.outbox.stop()
        self.queue.close()
        self._own.release()

    def answer(self, data: bytes, *, heat: bool = False) -> dict[str, Any]:
        """Read one file for the HTTP service: a row as ``predict --json`` writes it.

        The rules of ``[reading]`` hold as for an X-ray that is received by DICOM.
        ``heat`` adds ``heat_map``, a PNG in Base64, and ``heat_map_facts`` (``HeatMap.facts``): its
        method, its share inside the lungs, their box. Both are None unless it was read. Raises
        PneumoError while the model is being loaded.
        """
        from pneumo_core.audit import image_digest, open_log
        from pneumo_core.gateway.ages import with_age
        from pneumo_core.gateway.rules import read_by_rules
        from pneumo_core.imaging import read_radiograph
        from pneumo_core.reading import entry_of
        from pneumo_core.reports import as_row

        if self.reader is None:
            raise PneumoError("The model is still being loaded.")
        reader, radiograph = self.reader.single, None
        try:
            radiograph = with_age(read_radiograph(data, name="film"), data)
            reading = read_by_rules(reader, radiograph, self.config.reading)
        except UnreadableImage as error:
            reading = reader.failed(error)
        told = _row(reader, reading, radiograph) if heat else as_row(reading)
        try:
            open_log().record([entry_of(reading, image_digest(data), "gateway (HTTP)")])
        except AuditError as error:
            log.error("a result could not be written to the audit log: %s", error)
        return told

    def _load_and_read(self) -> None:
        from pneumo_core.gateway.worker import Worker
        from pneumo_core.reading import open_reader

        rules = self.config.reading
        try:
            self.reader = open_reader(rules.model, rules.operating_point)
        except PneumoError as error:
            self.trouble = str(error)
            log.error("the model can't be loaded: %s", error)
            return
        checkpoint = self.reader.checkpoint
        log.info("reading with %s %s", checkpoint.name, checkpoint.card.version)
        self._worker = Worker(self.config, self.queue, self.reader, self.outbox.wake)
        self._worker.start()

    def _clean(self) -> None:
        while not self._stopped.wait(_CLEAN_EVERY_S):
            try:
                clean_up(self.queue, self.config.keep)
            except PneumoError as error:
                log.error("old files can't be removed: %s", error)


def _row(reader: "Reader", reading: "Reading", radiograph: "Radiograph | None") -> dict[str, Any]:
    """Return a row with the X-ray under its heat map, as a PNG in Base64, and the map's facts."""
    from pneumo_core.core.labels import PNEUMONIA
    from pneumo_core.reports import as_row

    if radiograph is None or reading.probability is None:
        return as_row(reading) | {"heat_map": None, "heat_map_facts": None}
    as_read = reading.as_read(radiograph)
    heat = reader.heat_map(as_read, PNEUMONIA)
    picture = base64.b64encode(heat.to_png(as_read, probability=reading.probability)).decode()
    return as_row(reading, heat) | {"heat_map": picture, "heat_map_facts": heat.facts}


def _own(config: Config) -> FileLock:
    """Lock the folder for this process: two gateways would read each X-ray twice."""
    lock = FileLock(config.folder / ".gateway.lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise PneumoError(
            f"Another gateway uses '{config.folder}'. Stop it, or set another folder."
        ) from error
    return lock
