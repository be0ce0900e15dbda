"""Retention: remove files and rows from a gateway's folder."""

import time
from pathlib import Path

from pneumo_core.gateway.config import Keeping
from pneumo_core.gateway.queue import Queue

__all__ = ["clean_up", "remove_orphans"]

_DAY = 86_400.0
_YOUNG_S = 600.0
"""A file without a row that is younger may be about to get one."""
_SETTLED = (
    "f.changed <= ?1 AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.film = f.number "
    "AND (d.state = 'waiting' OR d.changed > ?1))"
)
"""X-rays with no waiting delivery that did not change, nor were sent, after a moment."""


def clean_up(queue: Queue, keep: Keeping) -> None:
    """Remove files and rows whose time is over. Raises PneumoError if the queue can't be used.

    An X-ray is removed ``keep.films`` days after it was sent or refused, its results
    ``keep.results`` days after; neither while a delivery waits. An X-ray that failed stays until
    its row is removed, so that it can be inspected.
    """
    now = time.time()
    done = f"{_SETTLED} AND f.state IN ('sent', 'refused')"
    films = f"SELECT f.number, f.file FROM films f WHERE f.file IS NOT NULL AND {done}"  # noqa: S608
    _remove(queue, "films", films, now - keep.films * _DAY)
    results = (
        "SELECT r.number, r.file FROM results r JOIN films f ON f.number = r.film "  # noqa: S608
        f"WHERE r.file IS NOT NULL AND {done}"
    )
    _remove(queue, "results", results, now - keep.results * _DAY)
    _forget(queue, now - keep.entries * _DAY)


def remove_orphans(queue: Queue, *, young: float = 0.0) -> None:
    """Remove files without a row: their senders never received Success.

    Call it before anything is received, or for files older than ``young`` seconds only.
    """
    known = {row[0] for row in queue.rows("SELECT file FROM films WHERE file IS NOT NULL")}
    known |= {row[0] for row in queue.rows("SELECT file FROM results WHERE file IS NOT NULL")}
    for folder in (queue.films, queue.results):
        for file in folder.iterdir():
            if file.name not in known and file.stat().st_mtime <= time.time() - young:
                file.unlink(missing_ok=True)


def _remove(queue: Queue, table: str, query: str, before: float) -> None:
    """Remove files first: after a crash in between, the next call corrects the row."""
    folder = {"films": queue.films, "results": queue.results}[table]
    for number, file in queue.rows(query, before):
        _unlink(folder / file)
        with queue.changing() as db:
            db.execute(f"UPDATE {table} SET file = NULL WHERE number = ?", (number,))  # noqa: S608


def _forget(queue: Queue, before: float) -> None:
    """Remove rows with their UIDs and patients' IDs, and their events."""
    finished = f"{_SETTLED} AND f.state IN ('sent', 'refused', 'failed')"
    old = f"SELECT f.number FROM films f WHERE {finished}"  # noqa: S608
    for (number,) in queue.rows(old, before):
        film = queue.film(number)
        if film is not None and film.file:
            _unlink(queue.films / film.file)
        for (file,) in queue.rows("SELECT file FROM results WHERE film = ?", number):
            if file:
                _unlink(queue.results / file)
        with queue.changing() as db:
            for table in ("events", "results", "deliveries"):
                db.execute(f"DELETE FROM {table} WHERE film = ?", (number,))  # noqa: S608
            db.execute("DELETE FROM films WHERE number = ?", (number,))
    with queue.changing() as db:
        db.execute("DELETE FROM turned_away WHERE moment <= ?", (before,))


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)
