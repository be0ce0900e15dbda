"""Starting, stopping and clearing away runs, from wherever: a page, the command line, Python."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pneumo_core.checkpoints import delete_checkpoint, rename_checkpoint
from pneumo_core.core.files import remove_folder
from pneumo_core.errors import TrainingError
from pneumo_core.runs.launch import launch
from pneumo_core.runs.run import Run, made_by, rename_run, start_run
from pneumo_core.runs.status import RunState, Status, ask_to_stop
from pneumo_core.training import TrainingConfig, changed

__all__ = ["cancel", "delete", "made_by", "rename", "resume", "start", "sweep", "wait"]

_STOPS_WITHIN = 15.0
"""Seconds that a process is given to stop; its own patience is a third of that."""


def start(
    data: Path,
    name: str,
    config: TrainingConfig | None = None,
    *,
    attribution: str = "",
    trained_on: str = "",
    overwrite: bool = False,
    numbered: bool = False,
) -> Run:
    """Start a run in a process of its own; it waits in line where another one is under way.

    ``numbered``: a name that is taken gets a number. Raises what ``training.start_run`` raises.
    """
    run = start_run(
        data,
        name,
        config or TrainingConfig(),
        attribution=attribution,
        trained_on=trained_on,
        overwrite=overwrite,
        numbered=numbered,
    )
    launch(run)
    return run


def sweep(
    data: Path, name: str, config: TrainingConfig, setting: str, values: Sequence[Any]
) -> list[Run]:
    """Start a run for each value of one setting, one after the other.

    Raises TrainingError for a senseless value, before anything is started.
    """
    configs = [changed(config, setting, value) for value in values]
    return [start(data, name, each, numbered=True) for each in configs]


def resume(run: Run) -> Run:
    """Go on with a cancelled, failed or lost run from its last whole epoch.

    Raises TrainingError when it is under way or done.
    """
    status = run.status
    if status.active:
        raise TrainingError(f"The run '{run.name}' is {status.state} already.")
    if status.state == RunState.DONE:
        raise TrainingError(
            f"The run '{run.name}' is done. Start a new one to train a network for longer."
        )
    launch(run)
    return run


def cancel(run: Run) -> None:
    """Stop a run within seconds. What its last whole epoch gave stays, and it can be resumed.

    Returns once it has stopped. Raises TrainingError when it can't be stopped.
    """
    if not run.status.active:
        return
    ask_to_stop(run.folder)
    if wait(run, seconds=_STOPS_WITHIN).active:
        raise TrainingError(
            f"The run '{run.name}' has not stopped yet. It stops as soon as its program answers."
        )


def wait(run: Run, *, seconds: float | None = None) -> Status:
    """The run's status once it has ended, or after so many seconds."""
    end = None if seconds is None else time.monotonic() + seconds
    while (status := run.status).active and (end is None or time.monotonic() < end):
        time.sleep(0.1)
    return status


def rename(run: Run, name: str) -> Run:
    """Give a run and its checkpoint another name.

    Raises CheckpointError for a taken or impossible one, TrainingError when the disk refuses.
    """
    checkpoint = made_by(run)
    renamed = rename_run(run, name)
    if checkpoint:
        rename_checkpoint(checkpoint, name)
    return renamed


def delete(run: Run, *, checkpoint: bool = False) -> None:
    """Remove a run that is not under way, and if asked the checkpoint it published, for good.

    Raises TrainingError when it is under way or the disk refuses, CheckpointError.
    """
    if run.status.active:
        raise TrainingError(f"The run '{run.name}' is under way. Cancel it first.")
    made = made_by(run)
    if checkpoint and made:
        delete_checkpoint(made)
    try:
        remove_folder(run.folder)
    except OSError as error:
        raise TrainingError(f"The run '{run.name}' can't be deleted: {error.strerror}.") from error
