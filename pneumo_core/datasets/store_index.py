"""Index of a pixel store: which X-ray is in which row, and which can't be read.

It is an Arrow file with the columns ``id``, ``reason`` and ``remark`` in the dataset's order; an
X-ray without a reason has the next row of the pixels. It is mapped: a million ids open in
milliseconds.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]

__all__ = ["Index", "has_index", "read_ids", "read_index", "write_ids", "write_index"]

_FILE = "index.arrow"
_OLD_FILE = "index.json"
"""The index of earlier stores; their pixels are the same."""
_SCHEMA = pa.schema([("id", pa.string()), ("reason", pa.string()), ("remark", pa.string())])


@dataclass(frozen=True, eq=False)
class Index:
    """``ids``: Arrow strings, row i of the pixels is ``ids[i]``; reasons by id of the others.

    ``remarks``: by id, what the preparation has to say of an X-ray.
    """

    side: int
    ids: pa.ChunkedArray
    unreadable: dict[str, str]
    remarks: dict[str, str] = field(default_factory=dict)


def has_index(folder: Path) -> bool:
    """Return whether a store is complete: its index is written last."""
    return (folder / _FILE).is_file() or (folder / _OLD_FILE).is_file()


def write_index(
    folder: Path,
    side: int,
    ids: Sequence[str],
    unreadable: Mapping[str, str],
    remarks: Mapping[str, str],
) -> None:
    """Write the index of a folder whose pixels are complete. Raises OSError."""
    said = (ids, map(unreadable.get, ids), map(remarks.get, ids))
    columns = [pa.array(each, pa.string()) for each in said]
    facts = {b"pneumo": json.dumps({"side": side}).encode()}
    _write(folder / _FILE, pa.table(columns, schema=_SCHEMA.with_metadata(facts)))


def read_index(folder: Path) -> Index:
    """Map the index of a store. Raises OSError, ValueError or KeyError for a damaged one."""
    if not (folder / _FILE).is_file():
        return _read_old(folder / _OLD_FILE)
    table = _mapped(folder / _FILE)
    facts = json.loads((table.schema.metadata or {})[b"pneumo"])
    unreadable, remarks = (_said(table, name) for name in ("reason", "remark"))
    ids = table["id"]  # stays on disk
    if unreadable:
        ids = ids.filter(table["reason"].is_null())
    return Index(facts["side"], ids, unreadable, remarks)


def _said(table: pa.Table, name: str) -> dict[str, str]:
    """Return a column's strings by id, without the empty ones; {} where an older index has none."""
    if name not in table.column_names or table[name].null_count == len(table):
        return {}
    some = table.filter(table[name].is_valid())
    return dict(zip(some["id"].to_pylist(), some[name].to_pylist(), strict=True))


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
