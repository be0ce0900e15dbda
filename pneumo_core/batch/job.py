"""A batch's folder: what is done to which X-rays, fixed when the batch is first started."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pneumo_core.batch.lock import lock_folder
from pneumo_core.batch.sources import ITEMS, list_items
from pneumo_core.core.files import write_whole
from pneumo_core.errors import PneumoError

__all__ = ["Job", "Work", "items_of", "open_job"]

SCHEMA = 1
_JOB, _ITEMS = "_job.json", "_items.parquet"
_MOST, _LOOK = 500, 100_000
_SHARDS_PER_WORKER = 8
"""Enough for workers to end at about the same time."""


@dataclass(frozen=True)
class Work:
    """What is done to each X-ray, by names and versions alone, so that it can travel as JSON.

    ``kind``: "predict", or "embed" for the features of a ``layer``. ``version``: the model's.
    """

    kind: Literal["predict", "embed"]
    model: str
    version: str
    operating_point: str = ""
    gate: bool = True
    rotate: bool = False
    layer: str = ""


@dataclass(frozen=True)
class Job:
    """A batch in ``folder``: ``items`` X-rays in shards of ``shard_size``."""

    folder: Path
    work: Work
    sources: tuple[str, ...]
    items: int
    shard_size: int

    @property
    def shards(self) -> int:
        return -(-self.items // self.shard_size)

    def size_of(self, shard: int) -> int:
        """Return the number of X-rays in a shard."""
        return min(self.shard_size, self.items - shard * self.shard_size)


def open_job(
    folder: Path,
    work: Work,
    sources: Iterable[str],
    *,
    workers: int,
    items: Iterable[dict[str, Any]] | None = None,
) -> Job:
    """Return the batch in a folder, or make a new one there.

    The list of X-rays is written when the batch is made, and stays: files that arrive later belong
    to another batch. ``items``: the X-rays, if they are not those that ``sources`` list.

    Raises:
        PneumoError: the folder has a batch of other sources, another model or other settings, or
            holds something else.
        DatasetError: a source can't be listed.
    """
    sources = tuple(sources)
    with lock_folder(folder):
        return _opened(folder, work, sources, workers, items)


def _opened(
    folder: Path,
    work: Work,
    sources: tuple[str, ...],
    workers: int,
    items: Iterable[dict[str, Any]] | None,
) -> Job:
    if (folder / _JOB).is_file():
        job = _read(folder)
        _refuse_other(job, work, sources)
        return job
    if {each.name for each in folder.iterdir()} - {_ITEMS, f".{_ITEMS}.new", ".lock"}:
        raise PneumoError(f"'{folder}' is not empty and contains no batch. Name another folder.")
    return _make(folder, work, sources, workers, list_items(sources) if items is None else items)


def shard_size(items: int, workers: int) -> int:
    """Return how many X-rays make a shard: enough shards for all workers, each of seconds."""
    return max(1, min(_MOST, items // (_SHARDS_PER_WORKER * workers)))


def items_of(job: Job, shard: int) -> pa.Table:
    """Return the X-rays of one shard, with the columns of ``ITEMS``."""
    with pq.ParquetFile(job.folder / _ITEMS) as file:
        return file.read_row_group(shard)


def _make(
    folder: Path,
    work: Work,
    sources: tuple[str, ...],
    workers: int,
    items: Iterable[dict[str, Any]],
) -> Job:
    items = iter(items)
    first = list(islice(items, _LOOK))
    size = shard_size(len(first), workers)
    temporary = folder / f".{_ITEMS}.new"
    try:
        count = 0
        with pq.ParquetWriter(temporary, ITEMS) as writer:
            for group in _groups(chain(first, items), size):
                writer.write_table(pa.Table.from_pylist(group, schema=ITEMS), row_group_size=size)
                count += len(group)
        temporary.replace(folder / _ITEMS)
    except OSError as error:
        raise PneumoError(
            f"'{folder}' can't be written: {error.strerror}. Name another folder."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    job = Job(folder, work, sources, count, size)
    facts = {"schema": SCHEMA, **asdict(job), "folder": None}
    write_whole(folder / _JOB, json.dumps(facts, indent=1).encode(), remedy="Name another folder.")
    return job


def _groups(items: Iterator[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    while group := [{"id": item["file"], **item} for item in islice(items, size)]:
        yield group


def _read(folder: Path) -> Job:
    try:
        facts = json.loads((folder / _JOB).read_text())
        if facts["schema"] > SCHEMA:
            raise PneumoError(
                f"The batch in '{folder}' was made by a newer Pneumo. Install that, or name "
                "another folder."
            )
        work, sources = Work(**facts["work"]), tuple(facts["sources"])
        return Job(folder, work, sources, facts["items"], facts["shard_size"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PneumoError(
            f"'{folder / _JOB}' is damaged ({error}). Name another folder, or delete this one."
        ) from error


def _refuse_other(job: Job, work: Work, sources: tuple[str, ...]) -> None:
    then, now = asdict(job.work), asdict(work)
    other = [name for name, value in now.items() if then[name] != value]
    if other:
        said = ", ".join(f"{name} '{then[name]}', not '{now[name]}'" for name in other)
        raise PneumoError(
            f"The batch in '{job.folder}' was started with {said}. Name another folder."
        )
    if job.sources != sources:
        raise PneumoError(
            f"The batch in '{job.folder}' was started for other X-rays: "
            f"{', '.join(job.sources[:3])}. Name another folder."
        )
