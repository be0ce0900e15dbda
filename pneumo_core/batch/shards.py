"""A batch's results: one parquet file per shard, written whole or not at all."""

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pneumo_core.batch.job import Job
from pneumo_core.errors import PneumoError

__all__ = ["finished_shards", "path_of", "read_results", "write_shard"]


def path_of(folder: Path, shard: int) -> Path:
    """Return the file of a shard."""
    return folder / f"part-{shard:06d}.parquet"


def write_shard(job: Job, shard: int, rows: pa.Table) -> None:
    """Write a shard's rows: to a hidden file, which is renamed once it is on disk.

    Raises PneumoError if writing fails.
    """
    path = path_of(job.folder, shard)
    facts = json.dumps(asdict(job.work))
    rows = rows.replace_schema_metadata({b"pneumo": facts.encode()})
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with temporary.open("wb") as file:
            pq.write_table(rows, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise PneumoError(
            f"'{path}' can't be written: {error.strerror}. Free some space and run the same "
            "command again: it resumes."
        ) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def finished_shards(job: Job) -> set[int]:
    """Return the shards that are on disk with all their rows; remove what was left half-written."""
    for left in job.folder.glob(".part-*"):
        left.unlink(missing_ok=True)
    return {
        shard
        for shard in range(job.shards)
        if _row_count(path_of(job.folder, shard)) == job.size_of(shard)
    }


def read_results(folder: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Yield the tables of a batch's finished shards, in order, with the given columns.

    Raises PneumoError for a folder without any.
    """
    files = sorted(folder.glob("part-*.parquet"))
    if not files:
        raise PneumoError(f"'{folder}' contains no results (part-*.parquet). Check the path.")
    for file in files:
        yield pq.read_table(file, columns=list(columns) if columns else None)


def _row_count(path: Path) -> int:
    """Return how many rows a file has by its footer, -1 for a missing or damaged one."""
    try:
        return int(pq.read_metadata(path).num_rows)
    except (OSError, pa.ArrowInvalid):
        return -1
