"""Runs as processes of their own: what they leave behind, however they end."""

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.checkpoints import list_checkpoints, load_checkpoint
from pneumo_core.core.settings import settings
from pneumo_core.errors import CheckpointError, TrainingError
from pneumo_core.runs import (
    Run,
    RunState,
    ahead_of,
    continue_run,
    control,
    find_run,
    list_runs,
    losses_of,
    train,
)
from pneumo_core.training import TrainingConfig, epoch_pictures, training_config

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("PNEUMO_TEST_KILLS", "4"))
"""How often a run is killed at random moments; each costs a few seconds."""


@pytest.fixture
def films(film_folder: Callable[..., Path]) -> Path:
    return film_folder({"train": 20, "test": 2})


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    yield
    for run in list_runs()[0]:
        control.cancel(run)


def config(epochs: int = 2, **settings: object) -> TrainingConfig:
    return training_config(model="cnn_v2", epochs=epochs, batch_size=8, **settings)


def process_of(run: Run) -> int | None:
    """The process at work on a run."""
    for each in Path("/proc").glob("[0-9]*"):
        try:
            words = (each / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(run.folder).encode() in words:
            return int(each.name)
    return None


def until(what: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def test_the_life_of_a_run_in_a_process_of_its_own(films: Path):
    """From start over a cancellation to deletion: one process, for each costs seconds of imports.

    It goes on in this process; the thorough tests do so in another.
    """
    framed = config(4, framing="lungs")
    run = control.start(films, "old", framed)
    assert run.status.state in {RunState.QUEUED, RunState.RUNNING}
    refuse_while_under_way(run, films)
    run = control.rename(run, "mine")
    until(lambda: len(run.history) >= 1)
    before = time.monotonic()
    control.cancel(run)
    assert time.monotonic() - before < 8
    status = run.status
    assert (status.state, status.reason) == (RunState.CANCELLED, "Cancelled.")
    assert 1 <= len(run.history) < 4
    continue_run(run)
    status = run.status
    assert (status.state, status.checkpoint) == (RunState.DONE, "mine")
    assert status.started and status.ended
    assert status.queued <= status.started <= status.ended
    made = control.checkpoint_of(run)
    assert made and made.name == "mine" and made.card.run == run.id
    unbroken = train(films, "unbroken", framed)
    assert made.card.weights_sha256 == unbroken.card.weights_sha256
    expect_files(run)
    run = control.rename(run, "newer")
    assert {each.name for each in list_checkpoints()[0]} == {"unbroken", "newer"}
    assert load_checkpoint("newer").card.name == "newer"
    delete_one_with_its_checkpoint_and_one_without(run)


def delete_one_with_its_checkpoint_and_one_without(newer: Run) -> None:
    """Expect that a deleted run takes its checkpoint along when asked, and no other."""
    (unbroken,) = (run for run in list_runs()[0] if run.name == "unbroken")
    control.delete(unbroken, checkpoint=True)
    assert [each.name for each in list_runs()[0]] == ["newer"]
    assert [each.name for each in list_checkpoints()[0]] == ["newer"]
    assert not list(settings().checkpoints.glob(".*"))
    control.delete(newer)
    assert list_runs()[0] == []
    assert [each.name for each in list_checkpoints()[0]] == ["newer"]


def refuse_while_under_way(run: Run, films: Path) -> None:
    """Expect that an active run is neither started again nor deleted, and that it has its name."""
    with pytest.raises(TrainingError, match="already"):
        control.resume(run)
    with pytest.raises(TrainingError, match="Cancel it first"):
        control.delete(run)
    with pytest.raises(CheckpointError, match="An active run already uses"):
        control.start(films, run.name, config())


def expect_files(run: Run) -> None:
    """Expect what people read of a run of four epochs."""
    assert [report.epoch for report in run.history] == [1, 2, 3, 4]
    losses = losses_of(run.folder)
    assert losses["epoch"].iloc[-1] == 4
    assert losses["epoch"].is_monotonic_increasing
    assert list(epoch_pictures(run.folder)) == [1, 2, 3, 4]
    assert any((run.folder / "tensorboard").iterdir())
    log = (run.folder / "log.txt").read_text()
    assert "epoch 1/4" in log
    assert "No lungs were found in " in log, "drawn X-rays have none"


@pytest.mark.thorough
@pytest.mark.posix
def test_a_killed_run_is_lost_at_once_and_goes_on_where_it_stopped(films: Path):
    epochs = 5 * KILLS
    unbroken = train(films, "unbroken", config(epochs))
    run = control.start(films, "killed", config(epochs))
    random = np.random.default_rng(0)
    for _ in range(KILLS):
        time.sleep(random.uniform(0, 6))
        if process := process_of(run):
            os.kill(process, signal.SIGKILL)
            until(lambda: not run.status.active, 5)
            assert run.status.state == RunState.LOST
            assert "killed" in run.status.reason
            control.resume(run)
    assert control.wait(run).state == RunState.DONE
    assert load_checkpoint("killed").card.weights_sha256 == unbroken.card.weights_sha256
    assert len(list_checkpoints()[0]) == 2


@pytest.mark.thorough
def test_one_run_at_a_time_and_the_others_in_order(films: Path):
    first, second, third = (control.start(films, name, config(3)) for name in "abc")
    assert [ahead_of(run.folder) for run in (second, third)] == [1, 2]
    for run in (first, second, third):
        assert control.wait(run).state == RunState.DONE
    ends = [run.status.ended for run in (first, second)]
    starts = [run.status.started for run in (second, third)]
    assert all(end <= start for end, start in zip(ends, starts, strict=True))


@pytest.mark.thorough
@pytest.mark.posix
def test_who_dies_in_the_line_holds_nobody_up(films: Path):
    first, second, third = (control.start(films, name, config(3)) for name in "abc")
    process = process_of(second)
    assert process
    os.kill(process, signal.SIGKILL)
    assert control.wait(third).state == RunState.DONE
    assert second.status.state == RunState.LOST
    assert control.wait(first).state == RunState.DONE


@pytest.mark.thorough
def test_thirty_at_once_are_thirty_runs_with_thirty_names(films: Path):
    with ThreadPoolExecutor(30) as people:
        presses = [
            people.submit(control.start, films, "mine", config(1), numbered=True) for _ in range(30)
        ]
        started = [press.result() for press in presses]
        assert len({run.name for run in started}) == 30
        states = [run.status.state for run in started]
        assert sum(state in {RunState.RUNNING, RunState.FINISHING} for state in states) <= 1
        until(lambda: any(run.status.state == RunState.DONE for run in started))
        list(people.map(control.cancel, started))
    assert {run.status.state for run in started} == {RunState.CANCELLED, RunState.DONE}


_SECOND_SERVER = """
import sys
from pathlib import Path
from pneumo_core.runs import control
from pneumo_core.training import training_config
config = training_config(model="cnn_v2", epochs=1, batch_size=8)
for _ in range(3):
    print(control.start(Path(sys.argv[1]), "mine", config, numbered=True).id)
"""


@pytest.mark.thorough
def test_two_servers_on_one_folder_keep_one_line(films: Path):
    other = subprocess.Popen(
        [sys.executable, "-c", _SECOND_SERVER, str(films)], stdout=subprocess.PIPE, text=True
    )
    mine = [control.start(films, "mine", config(1), numbered=True) for _ in range(3)]
    theirs = [find_run(run_id) for run_id in other.communicate()[0].split()]
    runs = sorted([*mine, *theirs], key=lambda run: run.status.queued)
    assert len({run.name for run in runs}) == 6
    assert all(control.wait(run).state == RunState.DONE for run in runs)
    spans = sorted((run.status.started, run.status.ended) for run in runs)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))


@pytest.mark.thorough
@pytest.mark.posix
def test_a_run_outlives_the_program_that_asked_for_it(films: Path):
    words = [sys.executable, "-m", "pneumo_core", "train", "--data", str(films), "--name", "mine"]
    words += ["--model", "cnn_v2", "--epochs", "30", "--batch-size", "8"]
    asking = subprocess.Popen(words, stderr=subprocess.PIPE, start_new_session=True)
    until(lambda: bool(list_runs()[0]) and bool(list_runs()[0][0].history))
    os.killpg(asking.pid, signal.SIGKILL)
    asking.communicate()
    (run,) = list_runs()[0]
    assert run.status.state == RunState.RUNNING
    assert control.wait(run).state == RunState.DONE


@pytest.mark.thorough
def test_films_that_changed_meanwhile_are_told(films: Path):
    run = control.start(films, "mine", config(60))
    until(lambda: bool(run.history))
    control.cancel(run)
    next((films / "train" / "NORMAL").iterdir()).unlink()
    control.resume(run)
    status = control.wait(run)
    assert status.state == RunState.FAILED
    assert "have changed since" in status.reason
    shutil.rmtree(films)
    control.resume(run)
    status = control.wait(run)
    assert status.state == RunState.FAILED
    assert str(films) in status.reason


@pytest.mark.thorough
def test_a_full_disk_is_told_and_costs_no_epoch(
    films: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(small)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode:
        pytest.skip("a small disk can't be mounted here")
    try:
        monkeypatch.setenv("PNEUMO_HOME", str(small))
        run = control.start(films, "mine", config(60))
        until(lambda: len(run.history) >= 2)
        filler = small / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1 << 20))
        status = control.wait(run)
        assert status.state == RunState.FAILED
        assert "No space left" in status.reason
        assert "Free some space" in status.reason
        done = len(run.history)
        assert done >= 2
        filler.unlink()
        control.resume(run)
        until(lambda: len(run.history) > done)
        control.cancel(run)
    finally:
        subprocess.run(["umount", "--lazy", str(small)], check=False)


@pytest.mark.thorough
def test_a_sweep_is_a_run_for_each_value(films: Path):
    with pytest.raises(TrainingError, match="learning_rate"):
        control.sweep(films, "mine", config(1), "learning_rate", [1e-3, 7.0])
    assert list_runs()[0] == []
    runs = control.sweep(films, "mine", config(1), "seed", [0, 1])
    assert [run.config.seed for run in runs] == [0, 1]
    assert [find_run(run.id).name for run in runs] == ["mine", "mine-2"]
    assert all(control.wait(run).state == RunState.DONE for run in runs)
    first, second = (load_checkpoint(run.name).card.weights_sha256 for run in runs)
    assert first != second
