"""Digests of files, remembered by size, modification time and inode, so that none is read twice."""

import hashlib
import logging
import os
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from pneumo_core.core.files import write_whole
from pneumo_core.core.parallel import each_of
from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.errors import PneumoError

__all__ = ["digest_of", "digests", "forget_digests"]

_VERSION = 1
_SETTLED_NS = 2_000_000_000
"""A file changed this shortly before it was read may change again within one tick of its clock."""

_log = logging.getLogger(__name__)

_STATE = np.dtype([("size", np.int64), ("modified_ns", np.int64), ("inode", np.uint64)])
"""Size in bytes, modification time in ns, inode."""


@dataclass(frozen=True, eq=False)
class _Known:
    """Files (N) in columns: paths as the system's bytes, ``_STATE`` when read, and digests."""

    paths: list[bytes]
    states: NDArray[np.void]
    digests: list[str]

    def of(self, paths: list[bytes], states: NDArray[np.void]) -> list[str | None]:
        """Return the digest of each file in this very state, None for others."""
        if not self.paths:
            return [None] * len(paths)
        if paths == self.paths:
            rows = np.arange(len(paths))
        else:
            row_of = {path: row for row, path in enumerate(self.paths)}
            rows = np.array([row_of.get(path, -1) for path in paths], np.int64)
        same = (rows >= 0) & (self.states[rows] == states)
        return [
            self.digests[row] if unchanged else None
            for row, unchanged in zip(rows.tolist(), same.tolist(), strict=True)
        ]


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
    names, states = [os.fsencode(path) for path in paths], _states(paths)
    found = known.of(names, states)
    missing = [row for row, digest in enumerate(found) if digest is None]
    begun = time.time_ns()
    for row, digest in zip(
        missing, each_of(_digest_of_file, [paths[row] for row in missing], progress), strict=True
    ):
        found[row] = digest
    whole = [digest for digest in found if digest is not None]
    if missing or len(known.paths) != len(paths):
        settled = np.flatnonzero(states["modified_ns"] < begun - _SETTLED_NS)
        rows = settled.tolist()
        _save(
            place,
            _Known([names[row] for row in rows], states[settled], [whole[row] for row in rows]),
        )
    return whole


def forget_digests(root: Path) -> None:
    """Make the next ``digests`` read every file of the dataset in ``root`` again."""
    _place(root).unlink(missing_ok=True)


def _states(paths: list[str]) -> NDArray[np.void]:
    stat = os.stat  # a million Path objects take seconds
    facts = ((each.st_size, each.st_mtime_ns, each.st_ino) for each in map(stat, paths))
    return np.fromiter(facts, _STATE, count=len(paths))


def _digest_of_file(path: str) -> str:
    return digest_of(Path(path).read_bytes())


# --- on disk ------------------------------------------------------------------------------------


def _place(root: Path) -> Path:
    name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:24]
    return settings().cache / "digests" / f"{name}-v{_VERSION}.parquet"


def _load(place: Path) -> _Known:
    try:
        table = pq.read_table(BytesIO(place.read_bytes()))
        states = np.empty(len(table), _STATE)
        for name in _STATE.names or ():
            states[name] = table[name].to_numpy()
        return _Known(table["path"].to_pylist(), states, table["digest"].to_pylist())
    except (OSError, pa.ArrowException, KeyError, ValueError):
        return _Known([], np.empty(0, _STATE), [])


def _save(place: Path, known: _Known) -> None:
    """Write what is known; a cache that can't be written is none."""
    columns = {"path": pa.array(known.paths, pa.binary())}
    columns |= {name: pa.array(known.states[name].copy()) for name in _STATE.names or ()}
    table = pa.table(columns | {"digest": pa.array(known.digests, pa.string())})
    buffer = BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    try:
        write_whole(place, buffer.getvalue())
    except PneumoError as error:
        _log.info("Digests are not remembered: %s", error)
