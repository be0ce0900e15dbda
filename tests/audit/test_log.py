"""The log: nothing that was finished is lost, nothing is changed, nobody's film is told."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from pneumo_core.audit import DEEDS, AuditLog, Entry, image_digest, open_log, operator
from pneumo_core.errors import AuditError
from tests.conftest import WHOLE

FILM = image_digest(b"a film")


def log_in(folder: Path) -> AuditLog:
    return AuditLog(f"sqlite:///{folder / 'audit.sqlite'}")


def test_what_was_recorded_is_found_by_each_of_its_facts(tmp_path: Path) -> None:
    log = log_in(tmp_path)
    read = Entry(
        who="ada@x.org", deed="read", film=FILM, checkpoint="cnn_94", version="ab12",
        operating_point="balanced", threshold=0.5, result="PNEUMONIA", probability=0.75,
    )  # fmt: skip
    log.record([read, Entry(who="bob", deed="deleted", subject="run one")])
    log.record([])
    for asked in ({"who": "ADA"}, {"deed": "read"}, {"checkpoint": "cnn_94"}, {"film": FILM[:8]}):
        found = log.search(**asked)
        assert found["who"].tolist() == ["ada@x.org"], asked
        assert found.loc[0, "probability"] == 0.75
    assert log.search()["deed"].tolist() == ["deleted", "read"]
    assert log.search(most=1)["deed"].tolist() == ["deleted"]
    assert log.search(who="%").empty
    now = datetime.now(UTC).replace(tzinfo=None)
    assert len(log.search(since=now - timedelta(minutes=1), until=now + timedelta(minutes=1))) == 2
    assert log.search(until=now - timedelta(minutes=1)).empty
    assert log.counts() == {"read": 1, "deleted": 1}
    assert set(log.counts()) <= set(DEEDS)


def test_entries_are_only_added(tmp_path: Path) -> None:
    log_in(tmp_path).record([Entry(who="ada", deed="read", film=FILM)])
    with sqlite3.connect(tmp_path / "audit.sqlite") as connection:
        for change in (
            "UPDATE entries SET who = 'eve'",
            "DELETE FROM entries",
            "INSERT OR REPLACE INTO entries SELECT number, moment, 'eve', deed, film, checkpoint, "
            "version, operating_point, threshold, result, probability, subject, reason, seconds, "
            "confidence, marks FROM entries",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                connection.execute(change)
    connection.close()
    assert log_in(tmp_path).search()["who"].tolist() == ["ada"]


def test_numbers_tell_the_order_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = log_in(tmp_path)

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "datetime":
            return datetime(2001, 1, 1, tzinfo=UTC)

    log.record([Entry(who="first", deed="read")])
    monkeypatch.setattr("pneumo_core.audit.log.datetime", Earlier)
    log.record([Entry(who="second", deed="read")])
    assert log.search()["who"].tolist() == ["second", "first"]


def _add(folder: str, who: str) -> None:
    log = log_in(Path(folder))
    for _ in range(200):
        log.record([Entry(who=who, deed="read", film=FILM)])


def test_two_servers_write_to_one_log(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_add, args=(str(tmp_path), who)) for who in "ab"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    found = log_in(tmp_path).search()
    assert found["who"].value_counts().to_dict() == {"a": 200, "b": 200}
    assert found["number"].tolist() == list(range(400, 0, -1))


_WRITER = """
import sys
from pathlib import Path
from pneumo_core.audit import AuditLog, Entry
log = AuditLog(f"sqlite:///{sys.argv[1]}")
for number in range(100_000):
    log.record([Entry(who="writer", deed="read", subject=f"{sys.argv[2]}-{number}")])
    print(number, flush=True)
"""


@pytest.mark.slow
@pytest.mark.posix
def test_a_kill_loses_no_finished_entry(tmp_path: Path) -> None:
    file = tmp_path / "audit.sqlite"
    finished = []
    for kill in range(5 if WHOLE else 2):
        writer = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(file), str(kill)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert writer.stdout
        writer.stdout.readline()
        time.sleep(0.05 + 0.03 * kill)
        os.kill(writer.pid, signal.SIGKILL)
        said = writer.communicate()[0].splitlines()
        finished += [f"{kill}-{number}" for number in range(len([s for s in said if s]) + 1)]
    subjects = set(AuditLog(f"sqlite:///{file}").search()["subject"])
    assert set(finished) <= subjects
    assert len(finished) > 5
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_another_database_is_named_by_its_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_AUDIT", f"sqlite:///{tmp_path / 'elsewhere' / 'log.db'}")
    open_log().record([Entry(who=operator(), deed="read")])
    assert open_log() is open_log()
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'elsewhere' / 'log.db'}")
    with engine.connect() as connection:
        who = connection.execute(sa.text("SELECT who FROM entries")).scalar_one()
    engine.dispose()
    assert who.endswith("(command line)")


def test_a_log_that_cannot_be_had_is_a_sentence_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PNEUMO_AUDIT", f"sqlite:///{tmp_path / 'file' / 'log.db'}")
    with pytest.raises(AuditError, match="can't be opened"):
        open_log()
    monkeypatch.setenv("PNEUMO_AUDIT", "postgresql+psycopg://pneumo:secret@nowhere/log")
    with pytest.raises(AuditError, match="can't be opened") as told:
        open_log()
    assert "secret" not in str(told.value)
    monkeypatch.setenv("PNEUMO_AUDIT", "no url")
    with pytest.raises(AuditError, match="not a valid database URL"):
        open_log()


def test_a_damaged_log_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "audit.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(AuditError, match="not a database"):
        log_in(tmp_path)
