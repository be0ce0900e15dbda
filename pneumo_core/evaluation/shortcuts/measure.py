"""Measurement of every property of a dataset's X-rays, cached."""

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pneumo_core.core.files import write_whole
from pneumo_core.core.parallel import in_order
from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets import Dataset, scan
from pneumo_core.errors import DatasetError, UnreadableImage
from pneumo_core.evaluation.shortcuts.file_properties import file_properties
from pneumo_core.evaluation.shortcuts.lungs import NamedLungFinder, lung_properties
from pneumo_core.evaluation.shortcuts.pixels import SIDE, pixel_properties
from pneumo_core.evaluation.shortcuts.properties import PROPERTIES, Property
from pneumo_core.imaging import Radiograph, to_input

__all__ = ["Measured", "measure", "measure_dataset", "measured_before", "stored_measurements"]

_VERSION = 1
"""Part of the cache key: increase it whenever a measurement changes."""

_FACTS = b"pneumo"


@dataclass(frozen=True, eq=False)
class Measured:
    """The properties of a dataset's X-rays.

    ``table`` has a row per readable X-ray: ``id`` and a float64 column for each of ``properties``,
    NaN where not measured. ``unreadable`` maps the ids of the others to the reason. ``finder``: the
    lung finder's name, "" without one. ``notes`` say what else is missing.
    """

    table: pd.DataFrame
    unreadable: dict[str, str]
    finder: str = ""
    properties: tuple[Property, ...] = tuple(PROPERTIES.values())
    notes: tuple[str, ...] = ()


def measure(
    radiograph: Radiograph, path: Path | None = None, *, finder: NamedLungFinder | None = None
) -> dict[str, float]:
    """Measure every property of one X-ray; ``path`` is its file if it has one of its own."""
    grey = to_input(radiograph.pixels, SIDE).astype(np.float32) / np.float32(255)
    found = {
        **file_properties(radiograph.facts, path),
        **pixel_properties(grey),
        **lung_properties(radiograph, finder),
    }
    return {key: float(found[key]) for key in PROPERTIES}


def measure_dataset(
    dataset: Dataset,
    *,
    finder: NamedLungFinder | None = None,
    progress: Progress | None = None,
    home: Path | None = None,
) -> Measured:
    """Measure the X-rays of a dataset in parallel, or return the cached result.

    It is cached under ``home`` (default: PNEUMO_HOME), in ``properties``, by the files' bytes and
    the lung finder; labels and splits don't matter. Raises DatasetError when no X-ray can be read
    or the cache can't be written.
    """
    file = _file(dataset, finder, home)
    found = _read_cache(file)
    if found is None:
        found = _measure_all(dataset, finder, progress)
        write_whole(file, _as_bytes(found), error=DatasetError)
    return found


def measured_before(
    dataset: Dataset, *, finder: NamedLungFinder | None = None, home: Path | None = None
) -> Measured | None:
    """Return the cached result of ``measure_dataset``; None if there is none."""
    return _read_cache(_file(dataset, finder, home))


def stored_measurements(
    location: Path, *, finder: NamedLungFinder | None = None, home: Path | None = None
) -> Measured | None:
    """Return ``measured_before`` of the dataset at a location.

    The dataset is not listed if no dataset was ever measured. Raises DatasetError if it can't be
    opened.
    """
    if not any(_folder(home).glob("*.parquet")):
        return None
    return measured_before(scan(location), finder=finder, home=home)


def _measure_all(
    dataset: Dataset, finder: NamedLungFinder | None, progress: Progress | None
) -> Measured:
    films = dataset.films
    own_files = bool(films["path"].is_unique) and not str(films["path"].iloc[0]).endswith(".npz")

    def work(film: tuple[str, str]) -> dict[str, float] | UnreadableImage:
        film_id, path = film
        try:
            radiograph = dataset.source.radiograph(film_id)
            return measure(radiograph, Path(path) if own_files else None, finder=finder)
        except UnreadableImage as error:
            return error
        except OSError as error:  # deleted since it was decoded
            return UnreadableImage(film_id, f"it cannot be opened: {error}", "Check the path")

    rows: list[dict[str, object]] = []
    unreadable: dict[str, str] = {}
    pairs = list(zip(films["id"], films["path"], strict=True))
    results = in_order(work, pairs, settings().threads)
    for number, ((film_id, _), found) in enumerate(zip(pairs, results, strict=True), 1):
        if isinstance(found, UnreadableImage):
            unreadable[film_id] = str(found)
        else:
            rows.append({"id": film_id, **found})
        if progress:
            progress(number, len(pairs))
    if not rows:
        first = next(iter(unreadable.values()), "it is empty")
        raise DatasetError(f"No X-ray of {dataset.name} can be read. The first: {first}")
    table = pd.DataFrame(rows, columns=["id", *PROPERTIES])
    return Measured(table, unreadable, finder.name if finder else "")


def _file(dataset: Dataset, finder: NamedLungFinder | None, home: Path | None) -> Path:
    digest = hashlib.sha256(f"{finder.name if finder else ''}\n".encode())
    films = dataset.films[["id", "digest"]].sort_values("id")
    for film_id, content in zip(films["id"], films["digest"], strict=True):
        digest.update(f"{film_id}\t{content}\n".encode())
    return _folder(home) / f"{digest.hexdigest()[:24]}-v{_VERSION}.parquet"


def _folder(home: Path | None) -> Path:
    return (home or settings().home) / "properties"


def _as_bytes(found: Measured) -> bytes:
    """Return the table as Parquet, with unreadable X-rays as metadata."""
    table = pa.Table.from_pandas(found.table, preserve_index=False)
    facts = json.dumps({"unreadable": found.unreadable, "finder": found.finder})
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({_FACTS: facts.encode()}), buffer)
    return buffer.getvalue()


def _read_cache(file: Path) -> Measured | None:
    """Read a cached result; None if it is missing or damaged."""
    try:
        table = pq.read_table(file)
        facts = json.loads(table.schema.metadata[_FACTS])
        rows = table.to_pandas()[["id", *PROPERTIES]]
        return Measured(rows, dict(facts["unreadable"]), str(facts["finder"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
