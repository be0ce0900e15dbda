"""Index of a pixel store: which X-ray is in which row, and which can't be read.

It is an Arrow file with the columns ``id`` and ``reason`` in the dataset's order; an X-ray without
a reason has the next row of the pixels. It is mapped: a million ids open in milliseconds.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]

__all__ = ["Index", "has_index", "read_ids", "read_index", "write_ids", "write_index"]

_FILE = "index.arrow"
_OLD_FILE = "index.json"
"""The index of earlier stores; their pixels are the same."""
_SCHEMA = pa.schema([("id", pa.string()), ("reason", pa.string())])


@dataclass(frozen=True, eq=False)
class Index:
    """``ids``: Arrow strings, row i of the pixels is ``ids[i]``; reasons by id of the others."""

    side: int
    ids: pa.ChunkedArray
    unreadable: dict[str, str]


def has_index(folder: Path) -> bool:
    """Return whether a store is complete: its index is written last."""
    return (folder / _FILE).is_file() or (folder / _OLD_FILE).is_file()


def write_index(folder: Path, side: int, ids: Sequence[str], unreadable: Mapping[str, str]) -> None:
    """Write the index of a folder whose pixels are complete. Raises OSError."""
    columns = [pa.array(ids, pa.string()), pa.array(map(unreadable.get, ids), pa.string())]
    facts = {b"pneumo": json.dumps({"side": side}).encode()}
    _write(folder / _FILE, pa.table(columns, schema=_SCHEMA.with_metadata(facts)))


def read_index(folder: Path) -> Index:
    """Map the index of a store. Raises OSError, ValueError or KeyError for a damaged one."""
    if not (folder / _FILE).is_file():
        return _read_old(folder / _OLD_FILE)
    table = _mapped(folder / _FILE)
    facts = json.loads((table.schema.metadata or {})[b"pneumo"])
    reasons = table["reason"]
    if reasons.null_count == len(table):  # as a rule; the ids stay on disk then
        return Index(facts["side"], table["id"], {})
    left_out = table.filter(reasons.is_valid())
    unreadable = dict(zip(*(left_out[name].to_pylist() for name in _SCHEMA.names), strict=True))
    return Index(facts["side"], table["id"].filter(reasons.is_null()), unreadable)


def write_ids(path: Path, ids: Sequence[str]) -> None:
    """Write ids in their order. Raises OSError."""
    _write(path, pa.table({"id": pa.array(ids, pa.string())}))


def read_ids(path: Path) -> list[str]:
    """Return what ``write_ids`` wrote. Raises OSError or ValueError."""
    ids: list[str] = _mapped(path)["id"].to_pylist()
    return ids


def _write(path: Path, table: pa.Table) -> None:
    buffer = BytesIO()  # so that a full disk raises Python's own OSError
    with pa.ipc.new_file(buffer, table.schema) as file:
        file.write_table(table)
    with path.open("wb") as file:
        file.write(buffer.getbuffer())
        os.fsync(file.fileno())


def _mapped(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def _read_old(path: Path) -> Index:
    index = json.loads(path.read_text())
    ids = pa.chunked_array([pa.array(index["ids"], pa.string())])
    return Index(index["size"], ids, index["unreadable"])
