"""A log of each older Pneumo opens, keeps its entries and takes new ones, in each database."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from pneumo_core.audit import AuditLog, Entry
from pneumo_core.audit.schema import VERSION
from pneumo_core.errors import AuditError

_COLUMNS = """
    who VARCHAR(320) NOT NULL, deed VARCHAR(32) NOT NULL, film VARCHAR(64),
    checkpoint VARCHAR(255), version VARCHAR(64), operating_point VARCHAR(64), threshold FLOAT,
    result VARCHAR(32), probability FLOAT, subject VARCHAR(255)"""
_REASONS = ", reason VARCHAR(500), seconds FLOAT"
_NUMBER = {
    "sqlite": "number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, moment DATETIME NOT NULL",
    "postgresql": "number SERIAL PRIMARY KEY, moment TIMESTAMP WITHOUT TIME ZONE NOT NULL",
}
_INDEXES = [
    f"CREATE INDEX ix_entries_{name} ON entries ({name})" for name in ("who", "deed", "film")
]
_TRIGGERS = [
    f"CREATE TRIGGER never_{verb.lower()}d BEFORE {verb} ON entries "
    "BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END"
    for verb in ("UPDATE", "DELETE")
]
_REPLACED = (
    "CREATE TRIGGER never_replaced BEFORE INSERT ON entries "
    "WHEN NEW.number IN (SELECT number FROM entries) "
    "BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END"
)
OLDER = {
    "the first": (_COLUMNS, _TRIGGERS),
    "not replaceable": (_COLUMNS, [*_TRIGGERS, _REPLACED]),
    "with reason and seconds, no version": (_COLUMNS + _REASONS, [*_TRIGGERS, _REPLACED]),
    "version 2": (_COLUMNS + _REASONS, [*_TRIGGERS, _REPLACED]),
}
"""Older tables, with their triggers in SQLite; before version 2, Pneumo noted no version."""


def make_older(url: str, shape: str) -> None:
    """A log of that shape with two entries."""
    engine = sa.create_engine(url)
    columns, triggers = OLDER[shape]
    kind = engine.dialect.name
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE TABLE entries ({_NUMBER[kind]}, {columns})"))
        for statement in _INDEXES + (triggers if kind == "sqlite" else []):
            connection.execute(sa.text(statement))
        connection.execute(
            sa.text(
                "INSERT INTO entries (moment, who, deed, film, probability) VALUES "
                "('2026-11-25 16:00:00', 'ada', 'read', 'abcdef', 0.75), "
                "('2026-11-25 16:01:00', 'bob', 'deleted', NULL, NULL)"
            )
        )
        if shape == "version 2":
            connection.execute(sa.text("CREATE TABLE entries_version (version INTEGER NOT NULL)"))
            connection.execute(sa.text("INSERT INTO entries_version VALUES (2)"))
    engine.dispose()


def versions(url: str) -> list[int]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = connection.scalars(sa.text("SELECT version FROM entries_version")).all()
    engine.dispose()
    return [int(each) for each in found]


@pytest.mark.parametrize("shape", OLDER)
def test_an_older_log_opens_keeps_its_entries_and_takes_new_ones(log_url: str, shape: str) -> None:
    make_older(log_url, shape)
    log = AuditLog(log_url)
    new = Entry(who="cid", deed="called", film="abcdef", reason="a shadow", seconds=4.5)
    log.record([replace(new, confidence=4, marks="0.250 0.610")])
    found = log.search()
    log.close()
    assert found["number"].tolist() == [3, 2, 1]
    assert found["who"].tolist() == ["cid", "bob", "ada"]
    assert found["reason"].dropna().tolist() == ["a shadow"]
    assert found.loc[0, "seconds"] == 4.5
    assert (found.loc[0, "confidence"], found.loc[0, "marks"]) == (4, "0.250 0.610")
    assert found.loc[2, "probability"] == 0.75
    assert str(found.loc[2, "moment"]) == "2026-11-25 16:00:00"
    assert versions(log_url) == ([2, VERSION] if shape == "version 2" else [VERSION])


def test_what_was_done_is_found_in_each_database(log_url: str) -> None:
    log = AuditLog(log_url)
    log.record(
        [Entry(who="Ada", deed="read", film="abc"), Entry(who="bob_", deed="called", film="d")]
    )
    AuditLog(log_url).close()  # a second server opens the same log
    assert log.search(who="ada", film="AB")["who"].tolist() == ["Ada"]
    assert log.search(who="_")["who"].tolist() == ["bob_"]
    assert log.counts() == {"read": 1, "called": 1}
    assert log.called_films()["who"].tolist() == ["bob_"]
    assert versions(log_url) == [VERSION]
    log.close()


@pytest.mark.parametrize("older", [False, True])
def test_servers_that_start_at_once_make_one_log(log_url: str, older: bool) -> None:
    if older:
        make_older(log_url, "the first")
    with ThreadPoolExecutor(8) as several:
        logs = list(several.map(lambda _: AuditLog(log_url), range(8)))
    for log in logs:
        log.record([Entry(who="one", deed="read", reason="why")])
        log.close()
    assert versions(log_url) == [VERSION]
    log = AuditLog(log_url)
    assert log.counts()["read"] == 8 + older
    log.close()


def test_a_text_too_long_or_not_unicode_loses_no_entry(log_url: str) -> None:
    log = AuditLog(log_url)
    log.record([Entry(who="a" * 400, deed="deleted", subject="run \udcff\0", reason="b" * 600)])
    found = log.search().iloc[0]
    log.close()
    assert found["who"] == "a" * 319 + "…"
    assert found["subject"] == "run ??"
    assert found["reason"] == "b" * 499 + "…"


def test_a_log_of_a_newer_pneumo_is_left_alone(log_url: str) -> None:
    AuditLog(log_url).close()
    engine = sa.create_engine(log_url)
    with engine.begin() as connection:
        connection.execute(sa.text(f"INSERT INTO entries_version VALUES ({VERSION + 1})"))
    engine.dispose()
    with pytest.raises(AuditError, match=r"newer Pneumo.*Install that Pneumo"):
        AuditLog(log_url)
    assert versions(log_url) == [VERSION, VERSION + 1]


def test_a_table_that_is_no_log_is_left_alone(log_url: str) -> None:
    engine = sa.create_engine(log_url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE entries (title VARCHAR(10))"))
    with pytest.raises(AuditError, match="not a log of Pneumo: it has no column 'number'"):
        AuditLog(log_url)
    columns = [each["name"] for each in sa.inspect(engine).get_columns("entries")]
    assert columns == ["title"]
    assert sa.inspect(engine).get_table_names() == ["entries"]
    engine.dispose()


def told(url: str) -> str:
    with pytest.raises(AuditError) as refused:
        AuditLog(url)
    return str(refused.value)


def test_the_true_cause_is_told_by_sqlite(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite"
    broken.write_bytes(b"no database" * 1000)
    assert "not a database. Restore it from a backup" in told(f"sqlite:///{broken}")
    held = f"sqlite:///{tmp_path / 'audit.sqlite'}"
    log = AuditLog(held)
    other = sa.create_engine(held)
    with other.begin() as connection:
        connection.exec_driver_sql("DROP TABLE entries")
    other.dispose()
    with pytest.raises(AuditError, match="no such table: entries. Repair the database") as refused:
        log.record([Entry(who="ada", deed="read")])
    assert "Free some space" not in str(refused.value)
    log.close()


def test_the_true_cause_is_told_by_postgresql(postgres_url: str, tmp_path: Path) -> None:
    missing = postgres_url.partition("?")[0].rpartition("/")[0] + f"/log?host={tmp_path}"
    assert "Check that the database server runs" in told(missing)
    engine = sa.create_engine(postgres_url)
    make_older(postgres_url, "the first")
    with engine.begin() as connection:
        connection.execute(sa.text("DROP ROLE IF EXISTS writer"))
        connection.execute(sa.text("CREATE ROLE writer LOGIN"))
        connection.execute(sa.text("GRANT ALL ON SCHEMA public TO writer"))
        connection.execute(sa.text("GRANT SELECT, INSERT ON entries TO writer"))
    engine.dispose()
    said = told(postgres_url.replace("pneumo@", "writer@"))
    assert "must be owner of table entries" in said
    assert "Give the account that runs Pneumo the right" in said
    assert "Free some space" not in said


def test_a_missing_driver_is_named() -> None:
    assert (
        "the Python package 'pg8000', which connects to that database, is missing. Install it"
        in (told("postgresql+pg8000://nowhere/log"))
    )
