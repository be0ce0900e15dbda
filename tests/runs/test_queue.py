"""How many runs come before one, as its page tells it."""

from pathlib import Path

import pytest

from pneumo_core.runs import ahead_of
from pneumo_core.runs.queue import queue_up, turn
from pneumo_core.runs.status import enqueue, work_lock


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    """Two runs that wait, the first one first."""
    made = [tmp_path / name for name in ("first", "second")]
    for folder in made:
        folder.mkdir()
        enqueue(folder)
        queue_up(folder)
    return made


def test_no_run_comes_before_the_one_that_has_its_turn(folders: list[Path]) -> None:
    first, second = folders
    with work_lock(first), work_lock(second):
        assert [ahead_of(each) for each in folders] == [0, 1]
        with turn(first):  # its status still says queued
            assert [ahead_of(each) for each in folders] == [0, 1]
        assert [ahead_of(each) for each in folders] == [0, 0]
