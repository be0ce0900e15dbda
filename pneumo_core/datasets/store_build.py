"""Build of a pixel store, block by block, so that a killed process's work is not lost."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import BufferedRandom
from pathlib import Path
from typing import TypeAlias

import numpy as np
from filelock import FileLock, Timeout

from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets.dataset import Dataset
from pneumo_core.datasets.preparation import Preparation
from pneumo_core.datasets.store_index import has_index, read_ids, write_ids, write_index
from pneumo_core.errors import DatasetError, UnreadableImage

__all__ = ["PIXELS", "build", "forget_stores"]

PIXELS = "pixels.u8"

_BUILDING = ".building-"
"""Prefix of the folder, beside the store's own, in which it is built."""
_ORDER = "order.arrow"
"""Ids in the order in which they are decoded: that of the process that began."""
_NOTES = "blocks.jsonl"
"""A line for each block that is whole on disk."""

_LOCK = ".lock"
"""Ending of the file, beside the store, that is locked while it is built."""

_AT_ONCE = 64
_BLOCK = 16 * _AT_ONCE
"""X-rays decoded again at most when a process was killed."""
_LOOK_S = 1.0
_FORGOTTEN_AFTER_S = 7 * 24 * 3600

_Decoded: TypeAlias = tuple[np.ndarray, str] | UnreadableImage
"""An X-ray's square and the remark about it, or why there is none."""
_Film: TypeAlias = tuple[str, _Decoded]


@dataclass
class _Done:
    """How many X-rays were decoded, how many could be, and why not the others, by id.

    ``remarks``: about those that could, by id; ``block`` and ``block_remarks``: what is not noted
    yet; ``noted``: bytes of the notes.
    """

    films: int = 0
    rows: int = 0
    unreadable: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)
    block: dict[str, str] = field(default_factory=dict)
    block_remarks: dict[str, str] = field(default_factory=dict)
    noted: int = 0


def build(dataset: Dataset, prepare: Preparation, folder: Path, progress: Progress | None) -> None:
    """Decode a dataset's X-rays into a store; continue what another process left unfinished.

    Raises OSError if the disk refuses, DatasetError if no X-ray can be read, and what ``progress``
    raises. Finished blocks are kept then.
    """
    side = prepare.side
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder.parent)
    part = folder.with_name(f"{_BUILDING}{folder.name}")

    def watch() -> None:
        if progress:
            progress(_read_notes(part, side).films, len(dataset))

    with _alone(folder, watch):
        if has_index(folder):  # another process was first
            return
        try:
            _fill(dataset, prepare, part, progress)
            part.rename(folder)
        finally:
            if not _read_notes(part, side).rows:
                shutil.rmtree(part, ignore_errors=True)
    for scaffold in (_ORDER, _NOTES):
        (folder / scaffold).unlink(missing_ok=True)


def forget_stores(fingerprint: str) -> None:
    """Delete the stores of a dataset, finished or not. Raises OSError."""
    stores = settings().home / "stores"
    for prefix in ("", _BUILDING):
        for folder in stores.glob(f"{prefix}{fingerprint}-*"):
            shutil.rmtree(folder)


def _fill(dataset: Dataset, prepare: Preparation, part: Path, progress: Progress | None) -> None:
    """Decode the blocks that are missing, and write the index."""

    def decode(film_id: str) -> _Decoded:
        try:
            radiograph = dataset.source.radiograph(film_id)
            return prepare(radiograph), prepare.remark(radiograph)
        except UnreadableImage as error:
            return error

    side = prepare.side
    part.mkdir(exist_ok=True)
    ids = _order(part, dataset)
    for name in (PIXELS, _NOTES):
        (part / name).touch()
    done = _read_notes(part, side)
    with (part / PIXELS).open("r+b") as pixels, (part / _NOTES).open("r+b") as notes:
        pixels.seek(pixels.truncate(done.rows * side * side))  # the rest is a block half-written
        notes.seek(notes.truncate(done.noted))
        for films in _decoded(ids, done.films, decode):
            _add(films, done, pixels)
            if done.films % _BLOCK == 0 or done.films == len(ids):
                _note(done, pixels, notes)
            if progress:
                progress(done.films, len(ids))
    if not done.rows:
        first = next(iter(done.unreadable.values()), "it is empty")
        raise DatasetError(f"No X-ray of {dataset.name} can be read. The first: {first}")
    write_index(part, side, ids, done.unreadable, done.remarks)


def _decoded(
    ids: Sequence[str], start: int, decode: Callable[[str], _Decoded]
) -> Iterator[list[_Film]]:
    """Decode in threads from an X-ray on; yield some at a time."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for at in range(start, len(ids), _AT_ONCE):
            batch = ids[at : at + _AT_ONCE]
            yield list(zip(batch, pool.map(decode, batch), strict=True))


def _add(films: list[_Film], done: _Done, pixels: BufferedRandom) -> None:
    """Write one row per readable X-ray; name the others.

    It is written, not mapped: on a full disk, writing to a map kills the process.
    """
    for film_id, film in films:
        if isinstance(film, UnreadableImage):
            done.block[film_id] = str(film)
            continue
        square, remark = film
        pixels.write(np.ascontiguousarray(square).data)
        done.rows += 1
        if remark:
            done.block_remarks[film_id] = remark
    done.films += len(films)


# --- what is done -------------------------------------------------------------------------------


def _order(part: Path, dataset: Dataset) -> list[str]:
    """Return the ids in the order of the process that began; the dataset's may be another."""
    try:
        return read_ids(part / _ORDER)
    except (OSError, ValueError, KeyError):  # none yet, or half-written
        ids: list[str] = dataset.films["id"].tolist()
        (part / _NOTES).unlink(missing_ok=True)
        write_ids(part / _ORDER, ids)
        return ids


def _note(done: _Done, pixels: BufferedRandom, notes: BufferedRandom) -> None:
    """Note that all X-rays so far are done, once their pixels are on disk."""
    _flush(pixels)
    facts = {
        "films": done.films,
        "rows": done.rows,
        "unreadable": done.block,
        "remarks": done.block_remarks,
    }
    notes.write(json.dumps(facts).encode() + b"\n")
    _flush(notes)
    done.unreadable |= done.block
    done.remarks |= done.block_remarks
    done.block, done.block_remarks = {}, {}


def _read_notes(part: Path, side: int) -> _Done:
    """Return what is whole on disk."""
    done = _Done()
    try:
        size = (part / PIXELS).stat().st_size
        lines = (part / _NOTES).read_bytes().splitlines(keepends=True)
    except OSError:
        return done
    for line in lines:
        try:
            facts = json.loads(line) if line.endswith(b"\n") else {}
        except ValueError:
            break
        if not facts or facts["rows"] * side * side > size:
            break
        done.films, done.rows = facts["films"], facts["rows"]
        done.unreadable |= facts["unreadable"]
        done.remarks |= facts.get("remarks", {})
        done.noted += len(line)
    return done


def _flush(file: BufferedRandom) -> None:
    file.flush()
    os.fsync(file.fileno())


# --- one process at a time, and what others left --------------------------------------------------


@contextmanager
def _alone(folder: Path, watch: Callable[[], None]) -> Iterator[None]:
    """Wait until no other process builds this store; ``watch`` is called while waiting."""
    path = folder.with_name(f".{folder.name}{_LOCK}")
    lock = FileLock(path)
    while not _acquired(lock, _LOOK_S):
        watch()
    try:
        yield
    finally:
        with suppress(OSError):  # Windows deletes no open file
            path.unlink(missing_ok=True)
        lock.release()


def _acquired(lock: FileLock, patience_s: float) -> bool:
    try:
        lock.acquire(timeout=patience_s)
    except Timeout:
        return False
    return True


def _sweep(stores: Path) -> None:
    """Remove builds that nobody went on with for a week."""
    for part in stores.glob(f"{_BUILDING}*"):
        if time.time() - _last_change(part) < _FORGOTTEN_AFTER_S:
            continue
        lock = FileLock(stores / f".{part.name.removeprefix(_BUILDING)}{_LOCK}")
        if _acquired(lock, 0):
            shutil.rmtree(part, ignore_errors=True)
            with suppress(OSError):
                Path(lock.lock_file).unlink(missing_ok=True)
            lock.release()


def _last_change(folder: Path) -> float:
    return max(each.stat().st_mtime for each in (folder, *folder.iterdir()))
