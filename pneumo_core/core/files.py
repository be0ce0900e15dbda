"""Files and folders that are there whole, or not at all."""

import contextlib
import os
import secrets
import shutil
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

from pneumo_core.errors import PneumoError

__all__ = ["printable", "put_back", "remove_folder", "replace_folder", "write_whole"]

_ASIDE = ".replaced-"
_DELETED = ".deleted-"
_PATIENCE = 5.0  # seconds; two renames take far less


def printable(name: str) -> str:
    """Return a file's name as text; bytes that are not UTF-8 become replacement characters."""
    try:
        return name.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
    except UnicodeEncodeError:  # half a letter, as a broken browser may send it
        return name.encode("utf-8", errors="replace").decode()


def write_whole(
    path: Path,
    content: bytes,
    *,
    error: type[PneumoError] = PneumoError,
    remedy: str = "Free some space or set PNEUMO_HOME to another folder.",
) -> None:
    """Write a file beside its place and rename it into it; until then the old one stays.

    Its folder is made where it is missing. Raises ``error`` with the ``remedy`` when the disk
    refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as refused:
        raise error(f"'{path}' can't be written: {refused.strerror}. {remedy}") from refused
    finally:
        with contextlib.suppress(OSError):  # what can't be written often can't be removed either
            temporary.unlink(missing_ok=True)


def replace_folder(temporary: Path, place: Path, *, sign: str) -> None:
    """Move a folder to its place, where another may lie: at every moment one of them is there.

    No system swaps folders at once: for a moment the old one lies aside, and ``put_back`` returns
    it when this process is killed then. ``sign``: the file by which such a folder is known; what
    has none is no such folder. Raises OSError.
    """
    if not place.exists():
        temporary.rename(place)
        return
    aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=place.parent))
    old = aside / place.name
    try:
        with FileLock(aside / ".lock"):
            place.rename(old)
            try:
                temporary.rename(place)
            except OSError:
                old.rename(place)
                raise
            (old / sign).unlink()
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def put_back(root: Path, *, sign: str) -> None:
    """Return the folders that a process was replacing when it was killed; wait for one at it."""
    for file in sorted(root.glob(f"{_ASIDE}*/*/{sign}")):
        old, aside = file.parent, file.parents[1]
        with (
            contextlib.suppress(OSError, Timeout),
            FileLock(aside / ".lock", timeout=_PATIENCE),
        ):
            if not (root / old.name).exists():
                old.rename(root / old.name)
            shutil.rmtree(aside, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder: gone from its place at once, not file by file. Raises OSError.

    What the disk won't let go of, as a file that is open on Windows, stays in a hidden folder, a
    level lower than who looks for folders of its kind looks.
    """
    aside = Path(tempfile.mkdtemp(prefix=_DELETED, dir=folder.parent))
    try:
        folder.rename(aside / folder.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
