"""A batch by hand, as one writes it in an afternoon: a pool of processes, one reader in each.

    python -m benchmarks.batch_loop FOLDER OUT MODEL WORKERS

It gives the numbers of ``pneumo predict FOLDER --out OUT``, in one file at the end: not resumable,
not logged, and lost when a process dies.
"""

import hashlib
import os
import sys
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any


def main() -> None:
    """Read every file below a folder and write one parquet file."""
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    folder, out, model, workers = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    files = sorted(path for path in folder.rglob("*") if path.suffix == ".jpeg")
    out.mkdir(parents=True, exist_ok=True)
    with get_context("spawn").Pool(int(workers), _one_thread) as pool:
        rows = list(pool.imap(partial(_row, model), files, chunksize=16))
    pq.write_table(pa.Table.from_pylist(rows), out / "all.parquet")


def _one_thread() -> None:
    os.environ.update(PNEUMO_THREADS="1", OMP_NUM_THREADS="1")


@cache
def _reader(model: str) -> Any:
    from pneumo_core.reading import open_reader

    return open_reader(model)


def _row(model: str, path: Path) -> dict[str, Any]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return _reader(model).read_file(path).to_dict() | {"file": str(path), "digest": digest}


if __name__ == "__main__":
    main()
