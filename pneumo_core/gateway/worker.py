"""Read the waiting X-rays, several at once; a PACS that is down does not stop this."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pneumo_core.audit import open_log
from pneumo_core.core.files import write_whole
from pneumo_core.core.settings import settings
from pneumo_core.errors import AuditError, PneumoError, UnreadableImage
from pneumo_core.gateway.ages import with_age
from pneumo_core.gateway.config import Config, ResultKind
from pneumo_core.gateway.queue import Queue
from pneumo_core.gateway.records import Film, Finished, Rendered
from pneumo_core.gateway.render import File, render
from pneumo_core.gateway.rules import read_by_rules, wants
from pneumo_core.imaging import Radiograph, read_radiograph
from pneumo_core.reading import Reader, Reading, entry_of
from pneumo_core.reports import as_row, digest_of

__all__ = ["WHO", "Worker"]

log = logging.getLogger("pneumo.gateway")

WHO = "gateway"
"""The reader's name in the audit log."""

_SUSPECT = 2
"""An X-ray that was begun more often without an end is first read in a process of its own."""
_PROBE_S = 300
_IDLE_S = 0.2


class Worker:
    """Threads that read the X-rays waiting in a queue, until ``stop``.

    ``notify`` is called after each X-ray, when there may be something to send.
    """

    def __init__(
        self, config: Config, queue: Queue, reader: Reader, notify: Callable[[], None]
    ) -> None:
        self._config, self._queue, self._notify = config, queue, notify
        self._count = config.reading.workers or settings().threads
        self._reader = reader if self._count == 1 else reader.single
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._in_work: set[int] = set()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads."""
        for number in range(self._count):
            thread = threading.Thread(target=self._run, name=f"reading-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Finish the X-rays that are being read, and stop."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                film = self._claim()
                if film is None:
                    self._stopped.wait(_IDLE_S)
                    continue
                try:
                    self.work(film)
                finally:
                    with self._lock:
                        self._in_work.discard(film.number)
                self._notify()
            except PneumoError as error:  # the disk is full, or the queue is locked: try again
                log.error("reading failed, next try in 5 s: %s", error)
                self._stopped.wait(5)

    def _claim(self) -> Film | None:
        """Return the next X-ray, and reserve it for this thread."""
        with self._lock:
            if self._queue.paused:
                return None
            found = self._queue.next_films(1, but=tuple(self._in_work))
            if not found:
                return None
            self._in_work.add(found[0].number)
            return found[0]

    def work(self, film: Film) -> None:
        """Read one X-ray and queue its results. Raises PneumoError if they can't be stored."""
        began = time.monotonic()
        path = self._queue.films / film.file
        if film.tries > _SUSPECT and (why := _breaks(path)):
            self._queue.finish(film, Finished(state="failed", reason=why))
            return
        self._queue.begin(film.number)
        try:
            self._read(film, path, began)
        except (PneumoError, MemoryError):
            raise
        # One X-ray must not stop those behind it, whatever is wrong with it or with our code.
        except Exception as error:  # noqa: BLE001
            log.error("X-ray %d failed: %s", film.number, type(error).__name__)
            reason = f"An error in Pneumo itself ({type(error).__name__}). Report it."
            self._queue.finish(film, Finished(state="failed", reason=reason))

    def _read(self, film: Film, path: Path, began: float) -> None:
        name = f"film {film.number}"
        try:
            source = path.read_bytes()
            radiograph = with_age(read_radiograph(source, name=name), source)
        except FileNotFoundError:
            why = "Its file is missing in the gateway's folder. Send the X-ray again."
            self._queue.finish(film, Finished(state="failed", reason=why))
            return
        except UnreadableImage as error:
            self._finish(film, self._reader.failed(error), None, b"", began)
            return
        pixels = digest_of(radiograph)
        copied = self._queue.copy_of(film, pixels)
        if copied is not None:
            why = f"It has the same pixels as X-ray {copied} of the same study, which was read."
            self._queue.finish(film, Finished(state="refused", reason=why, pixels=pixels))
            return
        reading = read_by_rules(self._reader, radiograph, self._config.reading)
        self._finish(film, reading, radiograph, source, began, pixels)

    def _finish(
        self,
        film: Film,
        reading: Reading,
        radiograph: Radiograph | None,
        source: bytes,
        began: float,
        pixels: str | None = None,
    ) -> None:
        sends = reading.status == "read" or (
            self._config.send_refusals and reading.status == "refused"
        )
        files: list[File] = []
        trouble: list[str] = []
        if sends and radiograph is not None:
            wanted = self._wanted(film, reading)
            as_read = reading.as_read(radiograph)
            files, trouble = render(self._reader, reading, as_read, source, wanted)
        done = Finished(
            state=reading.status,
            reason=" ".join((*reading.reasons, *trouble)),
            reading=json.dumps(as_row(reading)),
            probability=reading.probability,
            model=f"{reading.model} {reading.version}",
            pixels=pixels,
            seconds=time.monotonic() - began,
            rendered=[self._keep(film, each) for each in files],
            deliveries=self._deliveries(film, reading, files),
        )
        self._queue.finish(film, done)
        self._record(film, reading)

    def _wanted(self, film: Film, reading: Reading) -> frozenset[tuple[ResultKind, bool]]:
        return frozenset(
            (kind, each.identified)
            for each in self._config.destination
            if not each.webhook and wants(each, film.modality, film.sender, reading.level)
            for kind in each.results
        )

    def _deliveries(
        self, film: Film, reading: Reading, files: list[File]
    ) -> list[tuple[str, str | None, bool]]:
        """Return (destination, kind, identified) of all deliveries; a webhook's kind is None."""
        made = {(each.kind, each.identified) for each in files}
        deliveries: list[tuple[str, str | None, bool]] = []
        for each in self._config.destination:
            if not wants(each, film.modality, film.sender, reading.level):
                continue
            if each.webhook:
                deliveries.append((each.name, None, False))
            else:
                kinds = [kind for kind in each.results if (kind, each.identified) in made]
                deliveries += [(each.name, kind, each.identified) for kind in kinds]
        return deliveries

    def _keep(self, film: Film, file: File) -> Rendered:
        """Write a result to disk before its row is committed."""
        mark = "" if file.identified else "-anonymous"
        name = f"{film.digest[:32]}-{film.number}-{file.kind}{mark}.dcm"
        write_whole(self._queue.results / name, file.content, durable=True, mode=0o600)
        return Rendered(file.kind, file.identified, file.sop_uid, file.sop_class, name)

    def _record(self, film: Film, reading: Reading) -> None:
        """Write to the audit log; if that fails, reading continues."""
        try:
            open_log().record([entry_of(reading, film.digest, WHO)])
        except AuditError as error:
            log.error("a result could not be written to the audit log: %s", error)


def _breaks(path: Path) -> str:
    """Return why an X-ray must not be read in this process: it crashes another one, or takes too
    long; "" if it may be read.

    The gateway may have been killed for other reasons while it was being read.
    """
    command = [sys.executable, "-m", "pneumo_core", "predict", "--json", str(path)]
    quiet = {"PNEUMO_AUDIT": "sqlite://"}
    try:
        ended = subprocess.run(
            command,
            env=os.environ | quiet,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"Reading it takes more than {_PROBE_S} seconds."
    return "Decoding it ends the process that reads it." if ended.returncode < 0 else ""
