"""Digests of files, remembered by size, modification time and inode, so that none is read twice."""

import hashlib
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pneumo_core.core.files import write_whole
from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.errors import PneumoError

__all__ = ["digest_of", "digests", "forget_digests"]

_VERSION = 1
_AT_ONCE = 256
_SETTLED_NS = 2_000_000_000
"""A file changed this shortly before it was read may change again within one tick of its clock."""

_log = logging.getLogger(__name__)

State = tuple[int, int, int]
"""Size in bytes, modification time in ns, inode."""


@dataclass(frozen=True)
class _Known:
    """A digest, and the state of the file that had it."""

    state: State
    digest: str


def digest_of(content: bytes) -> str:
    """Return BLAKE2b of a file's bytes, 32 hex digits."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def digests(root: Path, paths: list[str], progress: Progress | None = None) -> list[str]:
    """Return the digest of each file of a dataset in ``root``.

    A file whose size, modification time and inode are those of the last call is not read again.
    What is known lies in PNEUMO_CACHE, in ``digests``, and is no more than a cache: damaged or
    missing, it is made again. ``progress`` counts the files that are read. Raises OSError for a
    file that can't be read.
    """
    place = _place(root)
    known = _load(place)
    states = [_state(path) for path in paths]
    found = [_unchanged(known.get(path), state) for path, state in zip(paths, states, strict=True)]
    missing = [row for row, digest in enumerate(found) if digest is None]
    begun = time.time_ns()
    for row, digest in zip(
        missing, _read_all([paths[row] for row in missing], progress), strict=True
    ):
        found[row] = digest
    whole = [digest for digest in found if digest is not None]
    if missing or len(known) != len(paths):
        settled = [row for row, state in enumerate(states) if state[1] < begun - _SETTLED_NS]
        _save(place, {paths[row]: _Known(states[row], whole[row]) for row in settled})
    return whole


def forget_digests(root: Path) -> None:
    """Make the next ``digests`` read every file of the dataset in ``root`` again."""
    _place(root).unlink(missing_ok=True)


def _unchanged(known: _Known | None, state: State) -> str | None:
    return known.digest if known and known.state == state else None


def _state(path: str) -> State:
    facts = os.stat(path)  # noqa: PTH116 - a million Path objects take seconds
    return facts.st_size, facts.st_mtime_ns, facts.st_ino


def _read_all(paths: list[str], progress: Progress | None) -> list[str]:
    done: list[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(paths), _AT_ONCE):
            done += pool.map(_digest_of_file, paths[start : start + _AT_ONCE])
            if progress:
                progress(len(done), len(paths))
    return done


def _digest_of_file(path: str) -> str:
    return digest_of(Path(path).read_bytes())


# --- on disk ------------------------------------------------------------------------------------


def _place(root: Path) -> Path:
    name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:24]
    return settings().cache / "digests" / f"{name}-v{_VERSION}.parquet"


def _load(place: Path) -> dict[str, _Known]:
    try:
        columns = pq.read_table(BytesIO(place.read_bytes())).to_pydict()
        states = zip(columns["size"], columns["modified_ns"], columns["inode"], strict=True)
        rows = zip(columns["path"], states, columns["digest"], strict=True)
        return {os.fsdecode(path): _Known(state, digest) for path, state, digest in rows}
    except (OSError, pa.ArrowException, KeyError):
        return {}


def _save(place: Path, known: dict[str, _Known]) -> None:
    """Write what is known; a cache that can't be written is none."""
    table = pa.table(
        {
            "path": pa.array([os.fsencode(path) for path in known], pa.binary()),
            "size": pa.array([each.state[0] for each in known.values()], pa.int64()),
            "modified_ns": pa.array([each.state[1] for each in known.values()], pa.int64()),
            "inode": pa.array([each.state[2] for each in known.values()], pa.uint64()),
            "digest": pa.array([each.digest for each in known.values()], pa.string()),
        }
    )
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    try:
        write_whole(place, buffer.getvalue())
    except PneumoError as error:
        _log.info("Digests are not remembered: %s", error)
