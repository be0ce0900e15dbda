"""Start of a run's process, which outlives the program that started it."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from filelock import Timeout

from pneumo_core.core.settings import settings
from pneumo_core.errors import TrainingError
from pneumo_core.runs.queue import queue_up
from pneumo_core.runs.run import Run
from pneumo_core.runs.status import enqueue, is_held, start_lock, work_lock

__all__ = ["launch"]

_STARTS_WITHIN = 60.0
"""Seconds until a process has started, on a very busy machine."""


def launch(run: Run) -> None:
    """Start the process that waits for a run's turn and trains it.

    Returns once it is running. Raises TrainingError when it can't be started.
    """
    lock = start_lock(run.folder)
    try:
        lock.acquire(timeout=1)
    except Timeout:
        raise TrainingError(f"The run '{run.name}' is already being started.") from None
    try:
        enqueue(run.folder)
        queue_up(run.folder)
        _wait_until_at_work(run, _process(run))
    except OSError as error:
        raise TrainingError(
            f"The run '{run.name}' can't be started: {error.strerror or error}."
        ) from error
    finally:
        lock.release()


def _process(run: Run) -> subprocess.Popen[bytes]:
    here = settings()
    environment = os.environ | {"PNEUMO_HOME": str(here.home), "PYTHONUNBUFFERED": "1"}
    if here.shipped is None:  # a relative path, too: it starts in another folder
        environment["PNEUMO_CHECKPOINTS"] = str(here.checkpoints)
    with (run.folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "pneumo_core.runs.worker", str(run.folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=Path(__file__).parents[2],
            start_new_session=True,  # survives a closed terminal or a stopped server
        )
    # Somebody must wait for it, or it would remain a zombie while this program lives.
    threading.Thread(target=process.wait, daemon=True).start()
    return process


def _wait_until_at_work(run: Run, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < end and process.poll() is None and not is_held(work_lock(run.folder)):
        time.sleep(0.05)
