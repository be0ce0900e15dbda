"""The log's database table, its schema version, and migrations of older versions.

| version | what changed |
|---|---|
| 1 | the first one |
| 2 | the columns ``reason`` and ``seconds`` |
| 3 | the columns ``confidence`` and ``marks`` |

A version is a row of ``entries_version``. A log without that table is older; its columns show its
version.
"""

from collections.abc import Mapping
from types import MappingProxyType

import sqlalchemy as sa

from pneumo_core.errors import AuditError

__all__ = ["TABLE", "VERSION", "prepare"]

VERSION = 3
"""Increase it, and add a line to ``_ADDED``, whenever the table gets a column."""

_ADDED: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {2: ("reason", "seconds"), 3: ("confidence", "marks")}
)
"""Columns added by each version; all of them may be NULL."""

_METADATA = sa.MetaData()

TABLE = sa.Table(
    "entries",
    _METADATA,
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
    sa.Column("confidence", sa.Integer),
    sa.Column("marks", sa.String(500)),
    sqlite_autoincrement=True,  # never reuse a number
)

_VERSIONS = sa.Table("entries_version", _METADATA, sa.Column("version", sa.Integer, nullable=False))

# In other databases, revoke the right to change entries from Pneumo's account.
_NEVER_CHANGED = [
    f"CREATE TRIGGER IF NOT EXISTS never_{verb.lower()}d BEFORE {verb} ON entries "
    "BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END"
    for verb in ("UPDATE", "DELETE")
] + [
    # INSERT OR REPLACE fires no delete trigger.
    "CREATE TRIGGER IF NOT EXISTS never_replaced BEFORE INSERT ON entries "
    "WHEN NEW.number IN (SELECT number FROM entries) "
    "BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END"
]

_LOCK = 7_466_366
"""Id of PostgreSQL's advisory lock: "pneumo" on a phone keypad, shortened."""


def prepare(connection: sa.Connection) -> None:
    """Create the log's table, or migrate an older one with its entries.

    Raises AuditError for a log of a newer version and for a table that is not a log,
    SQLAlchemyError for database errors.
    """
    _exclude_others(connection)
    _METADATA.create_all(connection)
    _refuse_newer(connection)
    _add_columns(connection)
    if connection.dialect.name == "sqlite":
        for trigger in _NEVER_CHANGED:
            connection.execute(sa.text(trigger))
    _note_version(connection)


def _exclude_others(connection: sa.Connection) -> None:
    """Wait for other processes preparing the same log: two servers may start at once."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def _refuse_newer(connection: sa.Connection) -> None:
    version = _noted_version(connection)
    if version > VERSION:
        raise AuditError(
            f"The log was written by a newer Pneumo: its schema version is {version}, and this one "
            f"supports versions up to {VERSION}. Install that Pneumo, or set PNEUMO_AUDIT to "
            "another database."
        )


def _add_columns(connection: sa.Connection) -> None:
    """Add the missing columns to the table."""
    present = {each["name"] for each in sa.inspect(connection).get_columns(TABLE.name)}
    lacking = [column for column in TABLE.columns if column.name not in present]
    addable = {name for names in _ADDED.values() for name in names}
    if foreign := [column.name for column in lacking if column.name not in addable]:
        raise AuditError(
            f"The table '{TABLE.name}' of this database is not a log of Pneumo: it has no column "
            f"'{foreign[0]}'. Set PNEUMO_AUDIT to another database."
        )
    for column in lacking:
        definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
        connection.execute(sa.text(f"ALTER TABLE {TABLE.name} ADD COLUMN {definition}"))


def _noted_version(connection: sa.Connection) -> int:
    """Return the log's stored version; 0 if it has none."""
    return int(connection.scalar(sa.select(sa.func.max(_VERSIONS.c.version))) or 0)


def _note_version(connection: sa.Connection) -> None:
    if _noted_version(connection) < VERSION:
        connection.execute(sa.insert(_VERSIONS).values(version=VERSION))
