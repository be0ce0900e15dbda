"""The log on disk: an append-only database table."""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from pneumo_core.audit.causes import clause_of, remedy_for
from pneumo_core.audit.entry import Deed, Entry
from pneumo_core.audit.schema import TABLE, prepare
from pneumo_core.core.settings import settings
from pneumo_core.errors import AuditError

__all__ = ["AuditLog", "open_log"]

_PATIENCE_S = 10
"""Seconds a writer waits for others; an entry takes milliseconds."""


class AuditLog:
    """A log in a database supported by SQLAlchemy; safe for several threads and processes.

    An entry is on disk when ``record`` returns; its number gives the order, independent of clocks.
    A log of an older version is migrated on opening. Raises AuditError if the database can't be
    opened, or for a log of a newer version.
    """

    def __init__(self, url: str) -> None:
        self._url = sa.engine.make_url(url)
        sqlite = self._url.get_backend_name() == "sqlite"
        with self._raise_errors("opened"):
            if sqlite and self._url.database:
                Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = sa.create_engine(self._url, pool_pre_ping=True)
            if sqlite:
                sa.event.listen(self._engine, "connect", _set_pragmas)
            self._prepare()

    def _prepare(self) -> None:
        try:
            with self._engine.begin() as connection:
                prepare(connection)
        except BaseException:
            self.close()
            raise

    def record(self, entries: Sequence[Entry]) -> None:
        """Add entries, all or none. Raises AuditError if that fails."""
        if not entries:
            return
        now = datetime.now(UTC).replace(tzinfo=None)
        rows = [{**_row(entry), "moment": now} for entry in entries]
        with self._raise_errors("written"), self._engine.begin() as connection:
            connection.execute(sa.insert(TABLE), rows)

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
        """Return matching entries, newest first, up to a limit: one row each, one column per field.

        ``who`` is part of a name, ``film`` the beginning of its SHA-256; ``since`` (inclusive) and
        ``until`` (exclusive) are UTC. Raises AuditError.
        """
        columns = TABLE.c
        conditions = [
            columns.who.icontains(who, autoescape=True) if who else None,
            columns.deed == deed if deed else None,
            columns.checkpoint == checkpoint if checkpoint else None,
            columns.film.startswith(film.lower(), autoescape=True) if film else None,
            columns.moment >= since if since else None,
            columns.moment < until if until else None,
        ]
        wanted = [each for each in conditions if each is not None]
        query = sa.select(TABLE).where(*wanted).order_by(columns.number.desc()).limit(most)
        with self._raise_errors("read"), self._engine.connect() as connection:
            return pd.read_sql(query, connection)

    def called_films(self) -> pd.DataFrame:
        """Return the entries on X-rays that a reader called first, in order. Raises AuditError."""
        films = sa.select(TABLE.c.film).where(TABLE.c.deed == "called", TABLE.c.film != "")
        query = sa.select(TABLE).where(TABLE.c.film.in_(films)).order_by(TABLE.c.number)
        with self._raise_errors("read"), self._engine.connect() as connection:
            return pd.read_sql(query, connection)

    def calls_of(self, who: str, films: Sequence[str]) -> pd.DataFrame:
        """Return one person's first call on each of these X-rays (SHA-256). Raises AuditError."""
        columns = TABLE.c
        query = (
            sa.select(TABLE)
            .where(columns.who == who, columns.deed == "called", columns.film.in_(films))
            .order_by(columns.number)
        )
        with self._raise_errors("read"), self._engine.connect() as connection:
            return pd.read_sql(query, connection).drop_duplicates("film", keep="first")

    def counts(self) -> dict[str, int]:
        """Return the number of entries per action. Raises AuditError."""
        query = sa.select(TABLE.c.deed, sa.func.count()).group_by(TABLE.c.deed)
        with self._raise_errors("read"), self._engine.connect() as connection:
            return {str(deed): int(count) for deed, count in connection.execute(query)}

    @contextlib.contextmanager
    def _raise_errors(self, what: str) -> Iterator[None]:
        """Turn database and disk errors into AuditError, without a password from the URL."""
        try:
            yield
        except NoSuchModuleError:  # the URL is wrong, not the database
            raise
        except (SQLAlchemyError, OSError, ImportError) as refused:
            cause = getattr(refused, "orig", None) or refused
            shown = self._url.render_as_string(hide_password=True)
            raise AuditError(
                f"The log '{shown}' can't be {what}: {clause_of(cause)}. {remedy_for(cause)}"
            ) from refused

    def close(self) -> None:
        """Close the database connections; the next call opens new ones."""
        self._engine.dispose()


def open_log() -> AuditLog:
    """Open the log set by PNEUMO_AUDIT; by default ``audit.sqlite`` in PNEUMO_HOME.

    Raises AuditError if it can't be opened, and for an invalid URL.
    """
    chosen = settings()
    return _open(chosen.audit or f"sqlite:///{chosen.home / 'audit.sqlite'}")


@cache
def _open(url: str) -> AuditLog:
    try:
        return AuditLog(url)
    except NoSuchModuleError as error:
        kind = url.partition(":")[0]
        raise AuditError(
            f"PNEUMO_AUDIT names a database of the kind '{kind}', which SQLAlchemy does not "
            "support. "
            "Set it to a URL such as sqlite:////var/lib/pneumo/audit.sqlite, or unset it."
        ) from error
    except (ArgumentError, ValueError) as error:
        raise AuditError(
            "PNEUMO_AUDIT is not a valid database URL. Set it to one such as "
            "sqlite:////var/lib/pneumo/audit.sqlite, or unset it."
        ) from error


def _row(entry: Entry) -> dict[str, Any]:
    """Return an entry's row for any database: texts in valid Unicode, cut to column length."""
    return {name: _fit_column(name, value) for name, value in vars(entry).items()}


def _fit_column(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    length: int = TABLE.c[name].type.length  # type: ignore[attr-defined]
    valid = value.encode(errors="replace").decode().replace("\0", "?")
    return valid if len(valid) <= length else valid[: length - 1] + "…"


def _set_pragmas(connection: object, _record: object) -> None:
    """Set pragmas: readers don't wait for writers, and committed entries are on disk."""
    cursor = connection.cursor()  # type: ignore[attr-defined]
    for pragma in (f"busy_timeout={1000 * _PATIENCE_S}", "journal_mode=WAL", "synchronous=FULL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
