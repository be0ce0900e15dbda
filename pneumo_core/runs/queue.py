"""One run at a time on a machine's device; the others wait in the order they were asked for."""

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
    """Take a place at the end of the line, for a run that has none."""
    line = folder.parent / _LINE
    line.mkdir(exist_ok=True)
    if not _ticket(folder):
        last = max((int(each.name.partition(" ")[0]) for each in line.glob("* *")), default=0)
        number = max(time.time_ns(), last + 1)  # also where the clock was set back
        (line / f"{number:020d} {folder.name}").touch()


def ahead_of(folder: Path) -> int:
    """How many runs come before this one: those that wait, and the one that has its turn.

    0 for the run that has its turn, also before its status says so: who waits has a ticket.
    """
    waiting = _before(folder)
    if _ticket(folder) is None:
        return 0
    return len(waiting) + is_held(_device(folder))


@contextlib.contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Wait for a run's turn, then keep the device. Raises RunCancelled when that was asked for."""
    queue_up(folder)
    device = _device(folder)
    try:
        while _before(folder) or not _acquired(device):
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


def _acquired(lock: FileLock) -> bool:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True


def _before(folder: Path) -> list[str]:
    """The runs before this one in the line; those whose process died leave it."""
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
