"""The process that trains one run: ``python -m pneumo_core.runs.worker FOLDER``.

While queued it imports nothing heavy, so that many runs can wait.
"""

import contextlib
import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from pneumo_core.errors import PneumoError
from pneumo_core.runs.epoch_lines import EpochLines
from pneumo_core.runs.queue import turn
from pneumo_core.runs.status import Diary, RunState, asked_to_stop, at_work

_PATIENCE = 5.0
"""Seconds between a stop request and the forced end."""

_NICENESS = 10
"""Low priority, so that pages and reading stay responsive during a training on every core."""


def main(folder: Path) -> int:
    """Train the run in a folder to its end, with output to the run's log."""
    with contextlib.suppress(AttributeError, OSError):  # Windows has no os.nice
        os.nice(_NICENESS)
    try:
        with at_work(folder) as diary:
            threading.Thread(target=_stop_when_asked, args=(diary,), daemon=True).start()
            with turn(folder):
                _train(folder, diary)
    except PneumoError as error:
        _say(str(error))
        return 1
    return 0


def _train(folder: Path, diary: Diary) -> None:
    from pneumo_core.runs.execute import execute_run
    from pneumo_core.runs.run import find_run

    run = find_run(folder.name)
    _say(f"Training {run.config.model} as '{run.name}', up to epoch {run.config.epochs}.")
    lines = EpochLines(run.config.epochs, _say)
    checkpoint = execute_run(run, diary, listener=lines, say=_say)
    _say(f"Published as '{checkpoint.name}'.")


def _stop_when_asked(diary: Diary) -> None:
    """End the process if it does not stop by itself; a run's files stay consistent."""
    while not asked_to_stop(diary.folder):
        time.sleep(0.3)
    time.sleep(_PATIENCE)
    _say("Cancelled during training.")
    diary.end(RunState.CANCELLED, "Cancelled.")
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)  # with the processes of all devices
    os._exit(1)


def _say(words: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {words}", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
