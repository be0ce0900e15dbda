"""The queue of runs: one at a time per machine, first come, first served."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from pneumo_core.runs.status import is_alive, is_held, stop_if_asked

__all__ = ["ahead_of", "queue_up", "turn"]

_LINE = ".line"
_LOOK_EVERY = 0.3  # seconds


def queue_up(folder: Path) -> None:
    """Add a run to the end of the queue, unless it is queued already."""
    line = folder.parent / _LINE
    line.mkdir(exist_ok=True)
    if not _ticket(folder):
        last = max((int(each.name.partition(" ")[0]) for each in line.glob("* *")), default=0)
        number = max(time.time_ns(), last + 1)  # even if the clock was set back
        (line / f"{number:020d} {folder.name}").touch()


def ahead_of(folder: Path) -> int:
    """Return how many runs come before this one, the active one included.

    0 for the active run, even before its status says so: a waiting run has a ticket.
    """
    waiting = _before(folder)
    if _ticket(folder) is None:
        return 0
    return len(waiting) + is_held(_device(folder))


@contextlib.contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Wait for a run's turn, then hold the device. Raises RunCancelled on request."""
    queue_up(folder)
    device = _device(folder)
    try:
        while _before(folder) or not _try_acquire(device):
            stop_if_asked(folder)
            time.sleep(_LOOK_EVERY)
    finally:
        if ticket := _ticket(folder):
            ticket.unlink(missing_ok=True)
    try:
        yield
    finally:
        device.release()


def _device(folder: Path) -> FileLock:
    return FileLock(folder.parent / ".device.lock")


def _try_acquire(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _before(folder: Path) -> list[str]:
    """Return the runs before this one in the queue, and drop those whose process died."""
    waiting = []
    for ticket in sorted((folder.parent / _LINE).glob("* *")):
        run_id = ticket.name.partition(" ")[2]
        if run_id == folder.name:
            break
        if is_alive(folder.parent / run_id):
            waiting.append(run_id)
        else:
            ticket.unlink(missing_ok=True)
    return waiting


def _ticket(folder: Path) -> Path | None:
    return next((folder.parent / _LINE).glob(f"* {folder.name}"), None)
