"""The log on disk: one table of a database, to which entries are only ever added."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from pneumo_core.audit.entry import Deed, Entry
from pneumo_core.errors import AuditError
from pneumo_core.settings import settings

__all__ = ["AuditLog", "open_log"]

_PATIENCE_S = 10
"""How long a writer waits for the others; an entry takes milliseconds."""

_TABLE = sa.Table(
    "entries",
    sa.MetaData(),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("moment", sa.DateTime, nullable=False),  # UTC
    sa.Column("who", sa.String(320), nullable=False, index=True),
    sa.Column("deed", sa.String(32), nullable=False, index=True),
    sa.Column("film", sa.String(64), index=True),
    sa.Column("checkpoint", sa.String(255)),
    sa.Column("version", sa.String(64)),
    sa.Column("operating_point", sa.String(64)),
    sa.Column("threshold", sa.Float),
    sa.Column("result", sa.String(32)),
    sa.Column("probability", sa.Float),
    sa.Column("subject", sa.String(255)),
    sa.Column("reason", sa.String(500)),
    sa.Column("seconds", sa.Float),
    sqlite_autoincrement=True,  # a number is never given twice
)

# Other databases take the right to change entries from the account that Pneumo writes with.
_NEVER_CHANGED = [
    f"CREATE TRIGGER IF NOT EXISTS never_{verb.lower()}d BEFORE {verb} ON entries "
    "BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END"
    for verb in ("UPDATE", "DELETE")
] + [
    # INSERT OR REPLACE asks no trigger for deletions.
    "CREATE TRIGGER IF NOT EXISTS never_replaced BEFORE INSERT ON entries "
    "WHEN NEW.number IN (SELECT number FROM entries) "
    "BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END"
]


class AuditLog:
    """A log in a database that SQLAlchemy can reach. Safe for several threads and processes.

    An entry is on the disk when ``record`` returns; its number tells the order, whatever clocks
    say. Raises AuditError where the database can't be opened.
    """

    def __init__(self, url: str) -> None:
        self._url = sa.engine.make_url(url)
        self._sqlite = self._url.get_backend_name() == "sqlite"
        with self._said("opened"):
            if self._sqlite and self._url.database:
                Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = sa.create_engine(self._url, pool_pre_ping=True)
            if self._sqlite:
                sa.event.listen(self._engine, "connect", _never_lose)
            self._make()

    def _make(self) -> None:
        with self._engine.begin() as connection:
            if self._sqlite:
                # Two servers may start at once on a folder that is new.
                connection.execute(sa.schema.CreateTable(_TABLE, if_not_exists=True))
                for index in _TABLE.indexes:
                    connection.execute(sa.schema.CreateIndex(index, if_not_exists=True))
                for trigger in _NEVER_CHANGED:
                    connection.execute(sa.text(trigger))
            else:
                _TABLE.create(connection, checkfirst=True)

    def record(self, entries: Sequence[Entry]) -> None:
        """Add entries, all of them or none. Raises AuditError when the database refuses."""
        if not entries:
            return
        now = datetime.now(UTC).replace(tzinfo=None)
        rows = [{**asdict(entry), "moment": now} for entry in entries]
        with self._said("written"), self._engine.begin() as connection:
            connection.execute(sa.insert(_TABLE), rows)

    def search(
        self,
        *,
        who: str | None = None,
        deed: Deed | None = None,
        checkpoint: str | None = None,
        film: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        most: int | None = None,
    ) -> pd.DataFrame:
        """Entries like that, the newest first, at most so many: a row each, a column per field.

        ``who`` is part of a name, ``film`` the beginning of its SHA-256; ``since`` (inclusive) and
        ``until`` (exclusive) are UTC. Raises AuditError.
        """
        columns = _TABLE.c
        conditions = [
            columns.who.icontains(who, autoescape=True) if who else None,
            columns.deed == deed if deed else None,
            columns.checkpoint == checkpoint if checkpoint else None,
            columns.film.startswith(film.lower(), autoescape=True) if film else None,
            columns.moment >= since if since else None,
            columns.moment < until if until else None,
        ]
        wanted = [each for each in conditions if each is not None]
        query = sa.select(_TABLE).where(*wanted).order_by(columns.number.desc()).limit(most)
        with self._said("read"), self._engine.connect() as connection:
            return pd.read_sql(query, connection)

    def called_films(self) -> pd.DataFrame:
        """Every entry on a film that somebody called first, the oldest first. Raises AuditError."""
        films = sa.select(_TABLE.c.film).where(_TABLE.c.deed == "called", _TABLE.c.film != "")
        query = sa.select(_TABLE).where(_TABLE.c.film.in_(films)).order_by(_TABLE.c.number)
        with self._said("read"), self._engine.connect() as connection:
            return pd.read_sql(query, connection)

    def counts(self) -> dict[str, int]:
        """How many entries there are of each deed. Raises AuditError."""
        query = sa.select(_TABLE.c.deed, sa.func.count()).group_by(_TABLE.c.deed)
        with self._said("read"), self._engine.connect() as connection:
            return {str(deed): int(count) for deed, count in connection.execute(query)}

    @contextlib.contextmanager
    def _said(self, what: str) -> Iterator[None]:
        """A database's and a disk's refusals as AuditError; a password in the URL is not told."""
        try:
            yield
        except (SQLAlchemyError, OSError, ImportError) as refused:
            reason = getattr(refused, "orig", None) or refused
            shown = self._url.render_as_string(hide_password=True)
            raise AuditError(
                f"The log '{shown}' can't be {what}: {str(reason).splitlines()[0]}. "
                "Free some space, or set PNEUMO_AUDIT to another database."
            ) from refused


def open_log() -> AuditLog:
    """The log that PNEUMO_AUDIT names; by default ``audit.sqlite`` in PNEUMO_HOME.

    Raises AuditError where it can't be opened, and for a URL that is none.
    """
    chosen = settings()
    return _open(chosen.audit or f"sqlite:///{chosen.home / 'audit.sqlite'}")


@cache
def _open(url: str) -> AuditLog:
    try:
        return AuditLog(url)
    except sa.exc.ArgumentError as error:
        raise AuditError(
            "PNEUMO_AUDIT is no database's URL. Set it to one such as "
            "sqlite:////var/lib/pneumo/audit.sqlite, or unset it."
        ) from error


def _never_lose(connection: object, _record: object) -> None:
    """Readers don't wait for writers, and what was said to be written has reached the disk."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={1000 * _PATIENCE_S}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
