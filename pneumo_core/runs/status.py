"""The status of a run, from disk alone; correct even if its process died."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import pydantic
from filelock import FileLock, Timeout

from pneumo_core.core.files import write_whole
from pneumo_core.errors import PneumoError, RunCancelled, TrainingError

__all__ = [
    "Diary",
    "Now",
    "RunState",
    "Status",
    "asked_to_stop",
    "at_work",
    "enqueue",
    "is_alive",
    "is_held",
    "now_of",
    "request_cancel",
    "start_lock",
    "status_of",
    "stop_if_asked",
    "work_lock",
]


class RunState(StrEnum):
    """The states of a run."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHING = "finishing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """The process ended without reporting why."""


@dataclass(frozen=True)
class Status:
    """A run's state, since when, and why it ended. ``checkpoint``: the one it published."""

    state: RunState = RunState.QUEUED
    queued: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: datetime | None = None
    ended: datetime | None = None
    reason: str = ""
    checkpoint: str = ""

    @property
    def active(self) -> bool:
        """Whether it is running or queued."""
        return self.state in {RunState.QUEUED, RunState.RUNNING, RunState.FINISHING}


@dataclass(frozen=True)
class Now:
    """Progress of an active run: steps of the stage, and the time left, if known.

    ``total`` 0: a stage without steps to count. ``seconds_left``: of the stage, or of all epochs.
    ``unit``: what a step is; "" for an X-ray.
    """

    stage: str
    done: int
    total: int
    films_per_second: float = 0.0
    seconds_left: float | None = None
    unit: str = ""


_STATUS = pydantic.TypeAdapter(Status)
_NOW = pydantic.TypeAdapter(Now)
_LOST = (
    "The process ended unexpectedly: it was killed, ran out of memory, or the machine stopped. "
    "Resume the run to continue from its last complete epoch."
)
_TO_BE_STARTED = timedelta(seconds=3)
"""Time allowed between a run's first file and the start of its process."""

_CANCEL, _SPARE, _SPARE_BYTES = "cancel", "spare", 64 * 1024
_SIGNS = ("config.json", "status.json", "now.json", "history.csv")


def status_of(folder: Path) -> Status:
    """Return the status of the run in a folder. Raises TrainingError when it can't be read."""
    status = _read(folder)
    if not status.active or is_alive(folder):
        return status
    status = _read(folder)  # it may have ended since
    waited = abs(datetime.now(UTC) - status.queued)  # the clock may have been set back
    if not status.active or (status.state == RunState.QUEUED and waited < _TO_BE_STARTED):
        return status
    return replace(status, state=RunState.LOST, ended=_last_sign(folder), reason=_LOST)


def now_of(folder: Path) -> Now | None:
    """Return the progress of an active run; None before its first report."""
    try:
        return _NOW.validate_json((folder / "now.json").read_bytes())
    except (OSError, pydantic.ValidationError):
        return None


class Diary:
    """Writes a run's status. Owned by the process that trains it; thread-safe."""

    def __init__(self, folder: Path, status: Status) -> None:
        self.folder = folder
        self._status = status
        self._writing = threading.Lock()

    def enter(self, state: RunState) -> None:
        """Record another active state."""
        with self._writing:
            started = self._status.started or datetime.now(UTC)
            self._write(replace(self._status, state=state, started=started))

    def end(self, state: RunState, reason: str = "", *, checkpoint: str = "") -> None:
        """Record the end of the run; only the first call counts."""
        with self._writing:
            if not self._status.active:
                return
            # Free the reserved space, so that the final status can be written even on a full disk.
            (self.folder / _SPARE).unlink(missing_ok=True)
            ended = replace(self._status, state=state, ended=datetime.now(UTC))
            self._write(replace(ended, reason=reason, checkpoint=checkpoint))

    def note(self, now: Now) -> None:
        """Record the progress. Errors in writing are ignored."""
        with contextlib.suppress(TrainingError):
            _write(self.folder / "now.json", _NOW.dump_json(now))

    def _write(self, status: Status) -> None:
        _write_status(self.folder, status)
        self._status = status


def enqueue(folder: Path) -> None:
    """Record that a run is queued. Raises TrainingError when it can't be written."""
    for stale in (_CANCEL, "now.json"):
        (folder / stale).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # without it a full disk may hide the final status
        (folder / _SPARE).write_bytes(bytes(_SPARE_BYTES))
    _write_status(folder, Status())


def request_cancel(folder: Path) -> None:
    """Ask the process of a run to stop."""
    _write(folder / _CANCEL, b"")


def asked_to_stop(folder: Path) -> bool:
    """Return whether a stop was requested."""
    return (folder / _CANCEL).exists()


def stop_if_asked(folder: Path) -> None:
    """Raise RunCancelled if a stop was requested."""
    if asked_to_stop(folder):
        raise RunCancelled("Cancelled.")


@contextlib.contextmanager
def at_work(folder: Path) -> Iterator[Diary]:
    """Hold a run's lock while a process trains it, and record how it ended.

    Raises TrainingError when another process is training it.
    """
    lock = work_lock(folder)
    try:
        lock.acquire(timeout=5)  # a status check holds it for a moment
    except Timeout:
        raise TrainingError(
            f"The run {folder.name} is already being trained. Wait for it, or cancel it first."
        ) from None
    try:
        if _read(folder).state != RunState.QUEUED:
            enqueue(folder)
        diary = Diary(folder, _read(folder))
        with _record_end(diary):
            yield diary
    finally:
        lock.release()


@contextlib.contextmanager
def _record_end(diary: Diary) -> Iterator[None]:
    try:
        yield
    except RunCancelled as cancelled:
        diary.end(RunState.CANCELLED, str(cancelled))
        raise
    except KeyboardInterrupt:
        diary.end(RunState.CANCELLED, "Stopped from the keyboard.")
        raise
    except PneumoError as error:
        diary.end(RunState.FAILED, str(error))
        raise
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        diary.end(RunState.FAILED, f"Failed with an unexpected error: {reason}. See the log.")
        raise


def work_lock(folder: Path) -> FileLock:
    """Return the lock of the process that trains a run; the system releases it when that dies."""
    return FileLock(folder / "work.lock")


def start_lock(folder: Path) -> FileLock:
    """Return the lock held while that process is being started."""
    return FileLock(folder / "start.lock")


def is_alive(folder: Path) -> bool:
    """Return whether a process is training a run, or being started."""
    return is_held(start_lock(folder)) or is_held(work_lock(folder))


def is_held(lock: FileLock) -> bool:
    """Return whether some process holds a lock."""
    if not Path(lock.lock_file).exists():
        return False
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:  # its folder is being deleted
        return False
    lock.release()
    return False


def _write_status(folder: Path, status: Status) -> None:
    _write(folder / "status.json", _STATUS.dump_json(status, indent=2))


def _write(path: Path, content: bytes) -> None:
    write_whole(path, content, error=TrainingError, remedy="Free some space, then resume the run.")


def _read(folder: Path) -> Status:
    path = folder / "status.json"
    try:
        return _STATUS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return Status(RunState.LOST, _last_sign(folder), reason=_LOST)
    except (OSError, pydantic.ValidationError) as error:
        raise TrainingError(
            f"The run {folder.name} is damaged: its status can't be read. Delete it."
        ) from error


def _last_sign(folder: Path) -> datetime:
    """Return when a run last wrote a file."""
    times = [path.stat().st_mtime for name in _SIGNS if (path := folder / name).exists()]
    return datetime.fromtimestamp(max(times, default=0.0), UTC)
