"""A clock that is set back: what waits keeps its order, what died is said to have died."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from pneumo_core.checkpoints import list_checkpoints
from pneumo_core.datasets.download import list_datasets, stage
from pneumo_core.runs import Run, RunState, ahead_of, list_runs, start_run
from pneumo_core.runs import status as statuses
from pneumo_core.runs.queue import queue_up
from pneumo_core.runs.status import work_lock
from pneumo_core.training import training_config
from tests.conftest import draw_folder
from tests.datasets.download.archives import zip_folder

A_DAY = timedelta(days=1)


@pytest.fixture
def run(film_folder: Callable[..., Path]) -> Callable[[], Run]:
    films = film_folder({"train": 12, "test": 2})
    config = training_config(model="cnn_v2", epochs=1)
    return lambda: start_run(films, "run", config, numbered=True)


@pytest.fixture
def set_back(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Sets the clock back by a day, for this process."""

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.now(UTC) - A_DAY

    def set_back() -> None:
        now = time.time_ns
        monkeypatch.setattr(statuses, "datetime", Earlier)
        monkeypatch.setattr(time, "time_ns", lambda: now() - int(A_DAY.total_seconds() * 1e9))

    return set_back


def test_who_came_first_is_first(run: Callable[[], Run], set_back: Callable[[], None]) -> None:
    first, second = run(), run()
    queue_up(first.folder)
    set_back()
    queue_up(second.folder)
    held: list[FileLock] = [work_lock(each.folder) for each in (first, second)]
    for lock in held:
        lock.acquire()
    try:
        assert [ahead_of(each.folder) for each in (first, second)] == [0, 1]
    finally:
        for lock in held:
            lock.release()


def test_a_run_that_nobody_took_up_is_lost_not_queued_for_a_day(
    run: Callable[[], Run], set_back: Callable[[], None]
) -> None:
    started = run()
    set_back()
    assert started.status.state == RunState.LOST
    assert "Resume the run" in started.status.reason
    assert list_runs()[1] == []


def test_what_is_being_added_is_not_swept_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = zip_folder(
        draw_folder(tmp_path / "films", {"train": 2, "test": 2}), tmp_path / "a.zip"
    )
    one = stage(archive, "one")
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() - A_DAY.total_seconds())
    two = stage(archive, "two")
    one.keep()
    two.keep()
    assert [each.name for each in list_datasets()] == ["one", "two"]
    assert list_checkpoints() == ([], [])
