"""The gateway as one process: it receives, reads and sends until it is told to stop."""

import logging
import threading
import time
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pneumo_core.errors import PneumoError
from pneumo_core.gateway.config import Config
from pneumo_core.gateway.dimse import Receiver, quiet_libraries
from pneumo_core.gateway.intake import Door
from pneumo_core.gateway.keeping import clean_up, remove_orphans
from pneumo_core.gateway.outbox import Outbox
from pneumo_core.gateway.queue import Queue

if TYPE_CHECKING:  # what reads takes seconds to import: films are received meanwhile
    from pneumo_core.gateway.worker import Worker
    from pneumo_core.reading import Reader

__all__ = ["Gateway"]

log = logging.getLogger("pneumo.gateway")

_CLEAN_EVERY_S = 60.0


class Gateway:
    """Everything that runs, by a configuration. ``start``, then ``stop``; or ``with``.

    Films are received from the first moment on; reading begins once the model is loaded. Raises
    PneumoError where a door can't be opened, or the queue is another gateway's.
    """

    def __init__(self, config: Config) -> None:
        quiet_libraries()
        self.config = config
        self.queue = Queue(config.folder)
        self.door = Door(self.queue, config.keep)
        self.receiver = Receiver(config.dicom, self.door)
        self.outbox = Outbox(config, self.queue)
        self.reader: Reader | None = None
        self.trouble = ""
        self.started = time.time()
        self._worker: Worker | None = None
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Open the doors and begin."""
        self._own = _own(self.config)
        remove_orphans(self.queue)
        if self.config.dicom.port:
            self.port = self.receiver.start()
            log.info("receiving by DICOM as %s", self.config.dicom.ae_title)
        self.outbox.start()
        for work in (self._load_and_read, self._clean):
            thread = threading.Thread(target=work, name=work.__name__, daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Take nothing more in, finish what is in work, and end."""
        self._stopped.set()
        self.receiver.stop()
        for thread in self._threads:
            thread.join()
        if self._worker:
            self._worker.stop()
        self.outbox.stop()
        self.queue.close()
        self._own.release()

    def _load_and_read(self) -> None:
        from pneumo_core.gateway.worker import Worker
        from pneumo_core.reading import open_reader

        rules = self.config.reading
        try:
            self.reader = open_reader(rules.model, rules.operating_point)
        except PneumoError as error:
            self.trouble = str(error)
            log.error("nothing can be read: %s", error)
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
                log.error("nothing was cleaned up: %s", error)


def _own(config: Config) -> FileLock:
    """Only one gateway may work at a queue; the lock dies with its process."""
    lock = FileLock(config.folder / ".gateway.lock", timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout as error:
        raise PneumoError(
            f"Another gateway works in '{config.folder}'. Stop it, or set another folder."
        ) from error
    return lock
