"""Atomic operations on files and folders."""

import contextlib
import os
import secrets
import shutil
import tempfile
import unicodedata
from pathlib import Path

from filelock import FileLock, Timeout

from pneumo_core.errors import PneumoError

__all__ = [
    "exists",
    "on_one_line",
    "printable",
    "put_back",
    "remove_folder",
    "replace_folder",
    "write_whole",
]

_ASIDE = ".replaced-"
_DELETED = ".deleted-"
_TURNING = ("LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI")
"""Bidirectional classes of characters that turn the text after them (Unicode UAX #9)."""
_PATIENCE = 5.0  # seconds; two renames take far less


def printable(name: str) -> str:
    """Return a file's name as text; bytes that are not UTF-8 become replacement characters."""
    try:
        return name.encode("utf-8", errors="surrogateescape").decode("utf-8", errors="replace")
    except UnicodeEncodeError:  # a lone surrogate, as a faulty browser may send
        return name.encode("utf-8", errors="replace").decode()


def on_one_line(name: str) -> str:
    """Return a name to show: control characters and changes of direction are replaced.

    A terminal would carry them out, and a name turned around hides its ending.
    """
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_control(c) else c for c in printable(name))


def _is_control(character: str) -> bool:
    turned = unicodedata.bidirectional(character) in _TURNING
    return turned or unicodedata.category(character) in ("Cc", "Zl", "Zp")


def exists(path: Path) -> bool:
    """Return whether a path exists; False for an invalid name."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with a zero byte
        return False


def write_whole(
    path: Path,
    content: bytes,
    *,
    durable: bool = False,
    mode: int = 0o666,
    error: type[PneumoError] = PneumoError,
    remedy: str = "Free some space or set PNEUMO_HOME to another folder.",
) -> None:
    """Write a file atomically: to a temporary file, which is then renamed.

    A missing folder is created. Raises ``error`` with the ``remedy`` if writing fails.

    Args:
        durable: call fsync on the file and its folder, so that the file survives a power cut once
            this returns.
        mode: the file's permissions, before the umask.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.touch(mode, exist_ok=False)
        temporary.write_bytes(content)
        if durable:
            _fsync(temporary)
        temporary.replace(path)
        if durable:
            _fsync(path.parent)
    except OSError as refused:
        raise error(f"'{path}' can't be written: {refused.strerror}. {remedy}") from refused
    finally:
        with contextlib.suppress(OSError):  # cleaning up may fail for the same reason
            temporary.unlink(missing_ok=True)


def _fsync(path: Path) -> None:
    """Flush a file, or a folder's entries, to disk; Windows can't open a folder."""
    folder = path.is_dir()
    if folder and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_folder(temporary: Path, place: Path, *, sign: str) -> None:
    """Move a folder to its place, replacing an existing one; one of them exists at any time.

    Folders can't be swapped atomically: for a moment the old one is set aside, and ``put_back``
    restores it if this process is killed then. ``sign``: the file that identifies such a folder;
    others are not touched. Raises OSError.
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
    """Restore folders whose replacement was interrupted; wait for a process replacing one now."""
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
    """Remove a folder, atomically for readers of its parent. Raises OSError.

    What can't be deleted, such as an open file on Windows, stays in a hidden folder that listings
    skip.
    """
    aside = Path(tempfile.mkdtemp(prefix=_DELETED, dir=folder.parent))
    try:
        folder.rename(aside / folder.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
