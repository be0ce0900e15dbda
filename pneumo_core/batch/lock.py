"""One process at a time works on a batch's folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from pneumo_core.errors import PneumoError

__all__ = ["lock_folder"]


@contextmanager
def lock_folder(folder: Path) -> Iterator[None]:
    """Keep other processes from working on this folder. Raises PneumoError if one does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout as error:
        raise PneumoError(
            f"Another process is working on the batch in '{folder}'. Wait for it, or end it."
        ) from error
    except OSError as error:
        raise PneumoError(
            f"'{folder}' can't be written: {error.strerror}. Name another folder."
        ) from error
