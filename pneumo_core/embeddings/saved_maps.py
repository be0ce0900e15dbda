"""Maps as parquet files, to be looked at later or elsewhere."""

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pneumo_core.core.settings import settings
from pneumo_core.embeddings.components import Floats
from pneumo_core.embeddings.features import Features
from pneumo_core.embeddings.projection import Projection, as_table
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import UNLABELLED

__all__ = ["SavedMap", "map_as_parquet", "maps_folder", "read_map", "saved_maps"]

_FACTS = b"pneumo map"


@dataclass(frozen=True, eq=False)
class SavedMap:
    """A map without the features behind it.

    ``table``: id, label (``UNLABELLED`` if unknown), patient and split ("" if unknown), and
    whatever else the file has but x and y; ``points`` float32 (N, 2). ``method``, ``layer``,
    ``model`` and ``version``: "" if unknown.
    """

    table: pd.DataFrame
    points: Floats
    method: str = ""
    layer: str = ""
    model: str = ""
    version: str = ""


def maps_folder() -> Path:
    """Return the folder whose maps the dashboard offers: ``maps`` in PNEUMO_HOME."""
    return settings().home / "maps"


def saved_maps() -> list[Path]:
    """Return the dashboard's maps, by name."""
    return sorted(maps_folder().glob("*.parquet"))


def map_as_parquet(features: Features, projection: Projection) -> bytes:
    """Return a parquet file with a row per X-ray, and what was mapped in its metadata."""
    facts = {
        "method": projection.method,
        "layer": features.layer,
        "model": features.checkpoint,
        "version": features.version,
    }
    rows = pa.Table.from_pandas(as_table(features, projection), preserve_index=False)
    rows = rows.replace_schema_metadata({_FACTS: json.dumps(facts)})
    file = io.BytesIO()
    pq.write_table(rows, file, compression="zstd")
    return file.getvalue()


def read_map(path: Path) -> SavedMap:
    """Return a map of two dimensions. Raises PneumoError for a file that holds none."""
    try:
        rows = pq.read_table(path)
        facts = json.loads((rows.schema.metadata or {}).get(_FACTS, b"{}"))
        table = rows.replace_schema_metadata(None).to_pandas()
        points = table[["x", "y"]].to_numpy(np.float32)
        if "id" not in table or "z" in table or not np.isfinite(points).all():
            raise ValueError
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowInvalid) as error:
        raise PneumoError(
            f"'{path.name}' is not a map of two dimensions: it needs the columns id, x and y, all "
            "filled. Write one with: pneumo embed FOLDER --out MAP.parquet"
        ) from error
    known = {key: str(facts.get(key, "")) for key in ("method", "layer", "model", "version")}
    return SavedMap(_completed(table.drop(columns=["x", "y"])), points, **known)


def _completed(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the columns that every map has."""
    known: dict[str, int | str] = {"label": UNLABELLED, "patient": "", "split": ""}
    return table.assign(**{each: value for each, value in known.items() if each not in table})
