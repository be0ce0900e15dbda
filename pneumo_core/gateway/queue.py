"""The queue on disk (SQLite): every X-ray that arrived, its state, and what is still to be sent.

An X-ray's file is fsynced and its row committed before its sender hears success. Its state is
``received``, then ``read``, ``refused`` or ``failed``; one that was read is ``sent`` once every
destination has its results. There is no state for an X-ray that is being read: after a crash the
next process starts again with it.
"""

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pneumo_core.errors import PneumoError
from pneumo_core.gateway.records import Arrival, Delivery, Film, Finished

__all__ = ["Queue"]

_VERSION = 1
_SCHEMA = """
CREATE TABLE films (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    sop_uid TEXT NOT NULL UNIQUE, sop_class TEXT NOT NULL, study_uid TEXT NOT NULL,
    series_uid TEXT NOT NULL, patient TEXT NOT NULL, accession TEXT NOT NULL,
    modality TEXT NOT NULL, device TEXT NOT NULL, sender TEXT NOT NULL,
    file TEXT, size INTEGER NOT NULL, digest TEXT NOT NULL, pixels TEXT,
    state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', received REAL NOT NULL,
    changed REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0, again INTEGER NOT NULL DEFAULT 0,
    reading TEXT, probability REAL, model TEXT, seconds REAL);
CREATE INDEX films_by_state ON films (state, number);
CREATE INDEX films_by_received ON films (received);
CREATE INDEX films_by_pixels ON films (pixels);
CREATE TABLE events (film INTEGER NOT NULL, moment REAL NOT NULL, state TEXT NOT NULL,
    reason TEXT NOT NULL);
CREATE INDEX events_by_film ON events (film);
CREATE TABLE results (
    number INTEGER PRIMARY KEY AUTOINCREMENT, film INTEGER NOT NULL, kind TEXT NOT NULL,
    identified INTEGER NOT NULL, sop_uid TEXT NOT NULL, sop_class TEXT NOT NULL, file TEXT,
    UNIQUE (film, kind, identified));
CREATE INDEX results_by_uid ON results (sop_uid);
CREATE TABLE deliveries (
    number INTEGER PRIMARY KEY AUTOINCREMENT, film INTEGER NOT NULL, result INTEGER,
    destination TEXT NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL, reason TEXT NOT NULL DEFAULT '', changed REAL NOT NULL,
    UNIQUE (film, result, destination));
CREATE INDEX deliveries_by_due ON deliveries (destination, state, due);
CREATE TABLE turned_away (moment REAL NOT NULL, sender TEXT NOT NULL, reason TEXT NOT NULL);
CREATE TABLE switches (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Queue:
    """A gateway's queue. Safe for several threads and processes. Raises PneumoError.

    Args:
        folder: created if it is missing; only its owner may read what is in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.films, self.results = folder / "films", folder / "results"
        self._lock = threading.RLock()
        with self._said():
            for each in (folder, self.films, self.results):
                each.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / "queue.sqlite").touch(mode=0o600)  # SQLite's own files take over its mode
            self._db = sqlite3.connect(
                folder / "queue.sqlite", timeout=30, isolation_level=None, check_same_thread=False
            )
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._prepare()

    def _prepare(self) -> None:
        with self.changing() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version > _VERSION:
                raise PneumoError(
                    f"The gateway's queue in '{self.folder}' was written by a newer Pneumo "
                    f"(version {version}). Install that one, or set another folder."
                )
            if version == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version={_VERSION}")

    @contextlib.contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Run a transaction, which is on disk when this ends, or is rolled back by an error."""
        with self._lock, self._said():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Return the rows of a query."""
        with self._lock, self._said():
            return self._db.execute(query, values).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        """Return the first value of the first row, or None."""
        rows = self.rows(query, *values)
        return rows[0][0] if rows else None

    # Films

    def add(self, arrival: Arrival) -> int | None:
        """Add an X-ray, and return its number; None for a known SOP Instance UID, counted."""
        now = time.time()
        told = vars(arrival) | {"state": "received", "received": now, "changed": now}
        names = ", ".join(told)
        marks = ", ".join("?" * len(told))
        with self.changing() as db:
            known = "SELECT number FROM films WHERE sop_uid = ?"
            found = db.execute(known, (arrival.sop_uid,)).fetchone()
            if found is not None:
                db.execute("UPDATE films SET again = again + 1 WHERE number = ?", (found[0],))
                return None
            insert = f"INSERT INTO films ({names}) VALUES ({marks})"  # noqa: S608 - our own names
            done = db.execute(insert, [*told.values()])
            number = int(done.lastrowid or 0)
            _note(db, number, "received", "", now)
            return number

    def film(self, number: int) -> Film | None:
        """Return an X-ray by its number; None if there is none, or its row was removed."""
        rows = self.rows("SELECT * FROM films WHERE number = ?", number)
        return _film(rows[0]) if rows else None

    def film_of(self, sop_uid: str) -> Film | None:
        """Return an X-ray by its SOP Instance UID, or None."""
        rows = self.rows("SELECT * FROM films WHERE sop_uid = ?", sop_uid)
        return _film(rows[0]) if rows else None

    def knows(self, sop_uid: str) -> bool:
        """Return whether a UID is that of an X-ray or a result in the queue."""
        asked = (
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM films WHERE sop_uid = ?) "
            "OR EXISTS (SELECT 1 FROM results WHERE sop_uid = ?)"
        )
        return self.one(asked, sop_uid, sop_uid) is not None

    def is_result(self, sop_uid: str) -> bool:
        """Return whether a UID is that of a result of this gateway."""
        return self.one("SELECT 1 FROM results WHERE sop_uid = ?", sop_uid) is not None

    def waiting(self) -> int:
        """Return how many X-rays wait to be read."""
        return int(self.one("SELECT count(*) FROM films WHERE state = 'received'"))

    def next_films(self, most: int, *, but: Sequence[int] = ()) -> list[Film]:
        """Return X-rays to be read, the oldest first; those begun three times or more come last."""
        rows = self.rows(
            "SELECT * FROM films WHERE state = 'received' ORDER BY tries > 2, number LIMIT ?",
            most + len(but),
        )
        return [_film(row) for row in rows if row["number"] not in but][:most]

    def begin(self, number: int) -> None:
        """Note that an X-ray is about to be read, in case reading it crashes the process."""
        with self.changing() as db:
            db.execute("UPDATE films SET tries = tries + 1 WHERE number = ?", (number,))

    def copy_of(self, film: Film, pixels: str) -> int | None:
        """Return the number of an earlier X-ray of the same study with the same pixels, or None."""
        asked = (
            "SELECT number FROM films WHERE pixels = ? AND study_uid = ? AND patient = ? "
            "AND number < ? AND state IN ('read', 'sent') ORDER BY number LIMIT 1"
        )
        found = self.one(asked, pixels, film.study_uid, film.patient, film.number)
        return None if found is None else int(found)

    def finish(self, film: Film, done: Finished) -> None:
        """Store an X-ray's outcome, its results and their deliveries in one transaction."""
        now = time.time()
        with self.changing() as db:
            db.execute("DELETE FROM results WHERE film = ?", (film.number,))
            db.execute("DELETE FROM deliveries WHERE film = ?", (film.number,))
            numbers: dict[tuple[str | None, bool], int | None] = {}
            for each in done.rendered:
                row = db.execute(
                    "INSERT INTO results (film, kind, identified, sop_uid, sop_class, file) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    (film.number, *vars(each).values()),
                )
                numbers[each.kind, each.identified] = row.lastrowid
            for destination, kind, identified in done.deliveries:
                db.execute(
                    "INSERT INTO deliveries (film, result, destination, state, due, changed) "
                    "VALUES (?, ?, ?, 'waiting', ?, ?)",
                    (film.number, numbers.get((kind, identified)), destination, now, now),
                )
            db.execute(
                "UPDATE films SET reading = ?, probability = ?, model = ?, pixels = ?, "
                "seconds = ? WHERE number = ?",
                (
                    *(done.reading, done.probability, done.model, done.pixels, done.seconds),
                    film.number,
                ),
            )
            _note(db, film.number, done.state, done.reason, now)
            if done.state == "read" and not done.deliveries:
                _note(db, film.number, "sent", "no destination takes it", now)

    def read_again(self, number: int) -> bool:
        """Put an X-ray back into the queue; False if its file was removed."""
        film = self.film(number)
        if film is None or not film.file:
            return False
        with self.changing() as db:
            db.execute("UPDATE films SET tries = 0 WHERE number = ?", (number,))
            _note(db, number, "received", "to be read again", time.time())
        return True

    # Deliveries

    def due(self, destination: str, most: int) -> list[Delivery]:
        """Return the deliveries that are due for a destination, the oldest first."""
        rows = self.rows(
            "SELECT d.number, d.film, d.result, d.destination, d.tries, r.sop_uid, r.sop_class, "
            "r.file FROM deliveries d LEFT JOIN results r ON r.number = d.result "
            "WHERE d.destination = ? AND d.state = 'waiting' AND d.due <= ? "
            "ORDER BY d.number LIMIT ?",
            *(destination, time.time(), most),
        )
        return [Delivery(*row) for row in rows]

    def delivered(self, delivery: Delivery) -> None:
        """Note that a result has arrived; an X-ray whose results all have is ``sent``."""
        self._settle(delivery, "sent", "")

    def undeliverable(self, delivery: Delivery, reason: str) -> None:
        """Give up on a delivery, until it is sent again by hand."""
        self._settle(delivery, "failed", reason)

    def postpone(self, delivery: Delivery, seconds: float, reason: str) -> None:
        """Try a delivery again later."""
        now = time.time()
        with self.changing() as db:
            db.execute(
                "UPDATE deliveries SET tries = tries + 1, due = ?, reason = ?, changed = ? "
                "WHERE number = ?",
                (now + seconds, reason, now, delivery.number),
            )

    def send_again(self, number: int) -> int:
        """Send an X-ray's results to every destination again, and return how many deliveries.

        Results whose files were removed can't be sent again.
        """
        now = time.time()
        with self.changing() as db:
            done = db.execute(
                "UPDATE deliveries SET state = 'waiting', due = ?, reason = '', changed = ?, "
                "tries = 0 WHERE film = ? AND (result IS NULL OR result IN "
                "(SELECT number FROM results WHERE film = ? AND file IS NOT NULL))",
                (now, now, number, number),
            )
            if done.rowcount:
                _note(db, number, "read", "to be sent again", now)
            return done.rowcount

    def _settle(self, delivery: Delivery, state: str, reason: str) -> None:
        now = time.time()
        with self.changing() as db:
            db.execute(
                "UPDATE deliveries SET state = ?, tries = tries + 1, reason = ?, changed = ? "
                "WHERE number = ?",
                (state, reason, now, delivery.number),
            )
            left = "SELECT DISTINCT state FROM deliveries WHERE film = ?"
            states = {row[0] for row in db.execute(left, (delivery.film,))}
            if "waiting" in states:
                return
            known = db.execute("SELECT state, reason FROM films WHERE number = ?", (delivery.film,))
            before, why = known.fetchone() or ("", "")
            if "failed" in states:
                _note(db, delivery.film, "failed", f"not sent: {reason}", now)
            elif before in ("read", "failed"):
                _note(db, delivery.film, "sent", why if before == "read" else "", now)

    # Refusals and switches

    def turn_away(self, sender: str, reason: str) -> None:
        """Note that something was not received, and why."""
        with self.changing() as db:
            db.execute("INSERT INTO turned_away VALUES (?, ?, ?)", (time.time(), sender, reason))

    @property
    def paused(self) -> bool:
        """Return whether reading and sending are paused; X-rays are still received."""
        return bool(self.one("SELECT value FROM switches WHERE name = 'paused'") == "yes")

    def pause(self, paused: bool) -> None:
        """Pause or resume reading and sending."""
        with self.changing() as db:
            told = ("paused", "yes" if paused else "no")
            db.execute("INSERT OR REPLACE INTO switches VALUES (?, ?)", told)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise PneumoError(
                f"The gateway's queue in '{self.folder}' can't be used: {error}. Free some space, "
                "or allow writing there."
            ) from error


def _note(db: sqlite3.Connection, number: int, state: str, reason: str, now: float) -> None:
    """Set an X-ray's state, and add an event."""
    told = (state, reason, now, number)
    db.execute("UPDATE films SET state = ?, reason = ?, changed = ? WHERE number = ?", told)
    db.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (number, now, state, reason))


def _film(row: sqlite3.Row) -> Film:
    told = {name: row[name] for name in Film.__dataclass_fields__}
    return Film(**(told | {"file": told["file"] or ""}))
