"""Start, cancel, resume, rename and delete training runs."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pneumo_core.checkpoints import delete_checkpoint, rename_checkpoint
from pneumo_core.core.files import remove_folder
from pneumo_core.errors import TrainingError
from pneumo_core.runs.launch import launch
from pneumo_core.runs.run import Run, checkpoint_of, rename_run, start_run
from pneumo_core.runs.status import RunState, Status, request_cancel
from pneumo_core.training import TrainingConfig, with_setting

__all__ = ["cancel", "checkpoint_of", "delete", "rename", "resume", "start", "sweep", "wait"]

_STOPS_WITHIN = 15.0
"""Seconds to wait for a process to stop; the process's own limit is a third of that."""


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
    """Start a run in its own process; it is queued while another one is active.

    ``numbered``: append a number to a name that is taken. Raises the errors of
    ``runs.start_run``.
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

    Raises TrainingError for an invalid value, before anything is started.
    """
    configs = [with_setting(config, setting, value) for value in values]
    return [start(data, name, each, numbered=True) for each in configs]


def resume(run: Run) -> Run:
    """Resume a cancelled, failed or lost run from its last complete epoch.

    Raises TrainingError when it is active or done.
    """
    status = run.status
    if status.active:
        raise TrainingError(f"The run '{run.name}' is {status.state} already.")
    if status.state == RunState.DONE:
        raise TrainingError(f"The run '{run.name}' is done. To train for longer, start a new one.")
    launch(run)
    return run


def cancel(run: Run) -> None:
    """Stop a run within seconds. Its complete epochs are kept, and it can be resumed.

    Returns once it has stopped. Raises TrainingError when it can't be stopped.
    """
    if not run.status.active:
        return
    request_cancel(run.folder)
    if wait(run, seconds=_STOPS_WITHIN).active:
        raise TrainingError(
            f"The run '{run.name}' has not stopped yet. It will stop when its process responds."
        )


def wait(run: Run, *, seconds: float | None = None) -> Status:
    """Wait until the run has ended, or for so many seconds, and return its status."""
    end = None if seconds is None else time.monotonic() + seconds
    while (status := run.status).active and (end is None or time.monotonic() < end):
        time.sleep(0.1)
    return status


def rename(run: Run, name: str) -> Run:
    """Rename a run and its checkpoint.

    Raises CheckpointError for a taken or invalid name, TrainingError when it can't be written.
    """
    checkpoint = checkpoint_of(run)
    renamed = rename_run(run, name)
    if checkpoint:
        rename_checkpoint(checkpoint, name)
    return renamed


def delete(run: Run, *, checkpoint: bool = False) -> None:
    """Delete an inactive run permanently, and optionally the checkpoint it published.

    Raises TrainingError when it is active or can't be deleted, CheckpointError.
    """
    if run.status.active:
        raise TrainingError(f"The run '{run.name}' is still active. Cancel it first.")
    made = checkpoint_of(run)
    if checkpoint and made:
        delete_checkpoint(made)
    try:
        remove_folder(run.folder)
    except OSError as error:
        raise TrainingError(f"The run '{run.name}' can't be deleted: {error.strerror}.") from error
