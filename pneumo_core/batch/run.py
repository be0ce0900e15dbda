"""Run a batch to its end, from where it was."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pneumo_core.batch.job import Job
from pneumo_core.batch.local import in_processes
from pneumo_core.batch.lock import lock_folder
from pneumo_core.batch.on_ray import on_ray
from pneumo_core.batch.shards import finished_shards, path_of, read_results
from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings

__all__ = ["ENGINES", "Engine", "Summary", "run_batch", "summarise"]

Engine: TypeAlias = Literal["local", "ray"]
ENGINES: tuple[Engine, ...] = ("local", "ray")
_OBSERVED = "_observed.txt"


@dataclass(frozen=True)
class Summary:
    """How many X-rays of a batch were read, refused and failed."""

    read: int
    refused: int
    failed: int

    @property
    def items(self) -> int:
        return self.read + self.refused + self.failed


def run_batch(
    job: Job,
    *,
    engine: Engine = "local",
    workers: int | None = None,
    address: str | None = None,
    progress: Progress | None = None,
    observe: Callable[[pa.Table], None] | None = None,
) -> None:
    """Compute the shards that are not on disk yet.

    Args:
        job: the batch, from ``open_job``.
        engine: "local" for processes on this machine, "ray" for Ray Data.
        workers: processes or actors; default: PNEUMO_THREADS, or the cores.
        address: of a Ray cluster; None for Ray on this machine.
        progress: is called with the number of X-rays done and their total, first with those that
            were done before.
        observe: is called with each finished shard's rows, also with those that an earlier,
            killed call had not observed.

    Raises:
        PneumoError: another process works on this batch, or the disk is full.
        MissingExtra: Ray is not installed.
    """
    workers = workers or settings().threads
    with lock_folder(job.folder):
        done = finished_shards(job)
        left = [shard for shard in range(job.shards) if shard not in done]
        count = sum(map(job.size_of, done))
        if progress:
            progress(count, job.items)
        for shard in sorted(done - _observed(job.folder)):
            _observe(job, shard, observe)
        if not left:
            return
        at_work = on_ray(job, left, workers, address) if engine == "ray" else None
        for shard in at_work or in_processes(job, left, min(workers, len(left))):
            count += job.size_of(shard)
            _observe(job, shard, observe)
            if progress:
                progress(count, job.items)


def summarise(folder: Path) -> Summary:
    """Count the statuses in a batch's folder. Raises PneumoError if it has no results."""
    counts: Counter[str] = Counter()
    for table in read_results(folder, ["status"]):
        counts.update(table["status"].to_pylist())
    return Summary(counts["read"], counts["refused"], counts["failed"])


def _observed(folder: Path) -> set[int]:
    try:
        return {int(line) for line in (folder / _OBSERVED).read_text().split()}
    except (OSError, ValueError):
        return set()


def _observe(job: Job, shard: int, observe: Callable[[pa.Table], None] | None) -> None:
    if observe:
        observe(pq.read_table(path_of(job.folder, shard)))
        with (job.folder / _OBSERVED).open("a") as file:
            file.write(f"{shard}\n")
