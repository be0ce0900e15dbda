"""Safe unpacking of an untrusted ZIP into one folder."""

import lzma
import shutil
import zlib
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

from pneumo_core.core.progress import Progress
from pneumo_core.datasets.download.archive_members import Limits, Member, select_members
from pneumo_core.errors import DatasetError

__all__ = ["Limits", "unpack"]

_CHUNK = 1 << 20
# Exceptions of zipfile for damaged archives and unsupported compression.
_DAMAGED = (
    *(BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, UnicodeError),
    *(zlib.error, lzma.LZMAError),
)


def unpack(
    archive: Path | BinaryIO,
    folder: Path,
    *,
    limits: Limits,
    name: str = "",
    progress: Progress | None = None,
) -> None:
    """Unpack a ZIP's files into ``folder``, which exists and is empty.

    ``archive``: a file, or its content opened for reading, called ``name``. ``progress`` is
    called with (bytes, total bytes). The archive is not trusted: names are checked before anything
    is written (see ``select_members``), and members must have the size that they declare. Raises
    DatasetError; the caller removes what was written until then.
    """
    called = name or (archive.name if isinstance(archive, Path) else "The file")
    try:
        with ZipFile(archive) as zipped:
            members = select_members(called, zipped.infolist(), limits)
            total = sum(member.info.file_size for member in members)
            _check_room(called, folder, total)
            done = 0
            for member in members:
                done = _write(zipped, member, folder, done, total, progress)
    except DatasetError:  # a ValueError, too
        raise
    except _DAMAGED as error:
        raise DatasetError(
            f"'{called}' can't be read completely as a ZIP ({error}). Make or download it "
            "again; only the usual compression methods are supported."
        ) from error
    except OSError as error:
        raise DatasetError(
            f"'{called}' can't be unpacked into '{folder}': {error.strerror or error}. Free some "
            "space, or set PNEUMO_HOME to a folder you may write to."
        ) from error


def _write(
    zipped: ZipFile,
    member: Member,
    folder: Path,
    done: int,
    total: int,
    progress: Progress | None,
) -> int:
    """Write one member and return how many bytes are there now. Never writes over a file."""
    place = folder.joinpath(*member.path.parts)
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.parent.resolve().is_relative_to(folder.resolve()):
        raise BadZipFile(f"'{member.path}' leads out of the folder")
    written = 0
    with zipped.open(member.info) as packed, place.open("xb") as file:
        while chunk := packed.read(_CHUNK):
            written += len(chunk)
            if written > member.info.file_size:
                raise BadZipFile(f"'{member.path}' has more bytes than it declares")
            file.write(chunk)
            if progress:
                progress(done + written, total)
    if written != member.info.file_size:
        raise BadZipFile(f"'{member.path}' has fewer bytes than it declares")
    return done + written


def _check_room(called: str, folder: Path, total: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < total:
        raise DatasetError(
            f"'{called}' needs {total / 1e6:.0f} MB unpacked and there are {free / 1e6:.0f} MB "
            "free. Free some space, or set PNEUMO_HOME to another folder."
        )
