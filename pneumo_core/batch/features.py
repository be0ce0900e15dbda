"""Features that ``pneumo embed --out FOLDER`` wrote, read back for a map."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pneumo_core.batch.shards import read_results
from pneumo_core.core.progress import Progress
from pneumo_core.embeddings import PIXELS, Features
from pneumo_core.embeddings.components import LEARNED_FROM, Floats, Reduced, evenly
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import UNLABELLED

__all__ = ["read_features"]

_COLUMNS = ("file", "id", "patient", "split", "label", "probability")


def read_features(folder: Path, *, progress: Progress | None = None) -> Features:
    """Return the features of a batch's X-rays that could be read, as principal components.

    Args:
        folder: what ``pneumo embed --out FOLDER`` wrote.
        progress: is called with the number of files read and their total.

    Returns:
        ``values`` float32 (N, 50 or fewer): the first principal components, learned from at most
        50,000 X-rays, so that a million take 200 MB. ``table``: id, patient, split, label
        (``UNLABELLED`` if unknown), subtype and, if the network computed one, probability.

    Raises:
        PneumoError: the folder has no features, or no X-ray of it could be read.
    """
    files = sorted(folder.glob("part-*.parquet"))
    work = _work(folder, files)
    reduced = Reduced.of(_sample(folder, files), seed=0)
    values, tables = [], []
    unreadable: dict[str, str] = {}
    for number, rows in enumerate(read_results(folder), start=1):
        read = rows.filter(pc.equal(rows["status"], "read"))
        if len(read):
            values.append(reduced.transform(_matrix(read)))
            tables.append(read.select([c for c in _COLUMNS if c in read.column_names]))
        left = rows.filter(pc.not_equal(rows["status"], "read"))
        reasons = (" ".join(each) for each in left["reasons"].to_pylist())
        unreadable |= dict(zip(left["file"].to_pylist(), reasons, strict=True))
        if progress:
            progress(number, len(files))
    network = work["layer"] != PIXELS
    return Features(
        _table(pa.concat_tables(tables)),
        np.concatenate(values),
        work["layer"],
        work["model"] if network else "",
        work["version"] if network else "",
        unreadable,
    )


def _work(folder: Path, files: list[Path]) -> dict[str, Any]:
    """Return what the batch computed. Raises PneumoError unless that is features."""
    try:
        facts = pq.read_schema(files[0]).metadata[b"pneumo"]
        work: dict[str, Any] = json.loads(facts)
        if work["kind"] == "embed":
            return work
    except (IndexError, KeyError, TypeError, ValueError, OSError, pa.ArrowInvalid):
        pass
    raise PneumoError(
        f"'{folder}' contains no features. Write some with: pneumo embed SOURCE --out FOLDER. "
        "To map a dataset at once: pneumo embed --data DATASET --out MAP.parquet"
    )


def _sample(folder: Path, files: list[Path]) -> Floats:
    """Return features (n, D) of some X-rays of every file, to learn the components from."""
    each = max(1, LEARNED_FROM // len(files))
    found = []
    for rows in read_results(folder, ["status", "features"]):
        read = rows.filter(pc.equal(rows["status"], "read"))
        if len(read):
            found.append(_matrix(read.take(evenly(len(read), each))))
    if not found:
        raise PneumoError(f"No X-ray in '{folder}' could be read, so there is nothing to map.")
    return np.concatenate(found)


def _matrix(rows: pa.Table) -> Floats:
    """Return the column of features as float32 (n, D)."""
    column = rows["features"].combine_chunks()
    return np.asarray(column.flatten().to_numpy(), np.float32).reshape(len(rows), -1)


def _table(rows: pa.Table) -> pd.DataFrame:
    table: pd.DataFrame = rows.to_pandas()
    table["id"] = table["id"].fillna(table.pop("file"))
    table["label"] = table["label"].fillna(UNLABELLED).astype(np.int64)
    table = table.assign(subtype="").fillna({"patient": "", "split": ""})
    if "probability" in table and table["probability"].isna().all():
        return table.drop(columns="probability")
    return table
