"""One shard: from X-rays to rows, in one thread, with numbers that no neighbour changes."""

import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from pneumo_core.audit import image_digest
from pneumo_core.batch.job import Work
from pneumo_core.batch.sources import ITEMS, open_source
from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.core.files import printable
from pneumo_core.core.parallel import in_order
from pneumo_core.core.remote import is_url
from pneumo_core.errors import CheckpointError, UnreadableImage
from pneumo_core.imaging import Radiograph, read_radiograph
from pneumo_core.imaging.inputs import ImageInput

__all__ = ["failed_rows", "one_thread", "rows_of"]

_FETCHERS = 8
"""Files that are fetched at once over a network."""

_BOX = pa.struct([(side, pa.float64()) for side in ("top", "left", "bottom", "right")])
_OUTCOME = [
    ("digest", pa.string()),
    ("status", pa.string()),
    ("model", pa.string()),
    ("version", pa.string()),
    ("reasons", pa.list_(pa.string())),
]
_READING = [
    ("verdict", pa.string()),
    ("probability", pa.float64()),
    ("assumed_prevalence", pa.float64()),
    ("predicted", pa.int8()),
    ("operating_point", pa.string()),
    ("threshold", pa.float64()),
    ("inverted", pa.bool_()),
    ("rotated_left_degrees", pa.int16()),
    ("lungs", _BOX),
    ("warnings", pa.list_(pa.string())),
]
_FEATURES = [
    ("layer", pa.string()),
    ("probability", pa.float64()),
    ("features", pa.list_(pa.float32())),
]

Row = dict[str, Any]
Given = ImageInput | UnreadableImage


def one_thread() -> None:
    """Make this process compute in one thread; for a process that works beside others."""
    os.environ["PNEUMO_THREADS"] = "1"
    os.environ["OMP_NUM_THREADS"] = "1"


def rows_of(work: Work, items: pa.Table) -> pa.Table:
    """Return one row per item: the item's columns and the result's.

    A file that can't be read or fetched gives a row with status "failed". Raises UnknownName or
    CheckpointError where this machine's model isn't the one that the batch was started with.
    """
    make = _opened_work(work)
    rows = [
        item | make(item["file"], given)
        for item, given in zip(items.to_pylist(), _given(items), strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=_schema(work))


def failed_rows(work: Work, items: pa.Table, reason: str) -> pa.Table:
    """Return rows with status "failed" and this reason."""
    failed = {"status": "failed", "model": work.model, "version": work.version, "reasons": [reason]}
    return pa.Table.from_pylist([item | failed for item in items.to_pylist()], _schema(work))


def _schema(work: Work) -> pa.Schema:
    return pa.schema([*ITEMS, *_OUTCOME, *(_READING if work.kind == "predict" else _FEATURES)])


def _given(items: pa.Table) -> Iterator[Given]:
    """Yield each item's film, those behind URLs fetched some ahead."""
    files = items["file"].to_pylist()
    return in_order(_fetched, files, _FETCHERS if any(map(is_url, files)) else 1)


def _fetched(file: str) -> Given:
    try:
        return open_source(file)
    except UnreadableImage as error:
        return error


@lru_cache(maxsize=1)
def _opened_work(work: Work) -> Callable[[str, Given], Row]:
    """Open the model once in this process."""
    checkpoint = load_checkpoint(work.model)
    if checkpoint.card.version != work.version:
        raise CheckpointError(
            f"The batch was started with '{work.model}' version {work.version}, but here it has "
            f"version {checkpoint.card.version}. Install the same model, or start another batch."
        )
    return _reading(work, checkpoint) if work.kind == "predict" else _embedding(work, checkpoint)


def _reading(work: Work, checkpoint: Checkpoint) -> Callable[[str, Given], Row]:
    from pneumo_core.reading import open_reader

    reader = open_reader(checkpoint, work.operating_point, gate=work.gate).single

    def row(file: str, given: Given) -> Row:
        try:
            reading = reader.read(_decoded(file, given), rotate=work.rotate)
        except UnreadableImage as error:
            reading = reader.failed(error)
        return reading.to_dict() | {"file": printable(file), "digest": _digest(given)}

    return row


def _embedding(work: Work, checkpoint: Checkpoint) -> Callable[[str, Given], Row]:
    from pneumo_core.embeddings.features import PENULTIMATE, image_features, input_of_layer
    from pneumo_core.inference import open_runtime

    runtime = open_runtime(checkpoint).single
    prepare = input_of_layer(runtime, work.layer)
    told = {"model": work.model, "version": work.version, "layer": work.layer}

    def values(film: np.ndarray) -> Row:
        if work.layer != PENULTIMATE:
            return {"features": image_features(runtime, film, work.layer)}
        outputs = runtime.run(film[np.newaxis])
        probability = float(runtime.calibrated(outputs.margins)[0])
        return {"features": outputs.features[0], "probability": probability}

    def row(file: str, given: Given) -> Row:
        made: Row = {"file": printable(file), "digest": _digest(given), "reasons": []}
        try:
            return told | made | {"status": "read"} | values(prepare(_decoded(file, given)))
        except UnreadableImage as error:
            return told | made | {"status": "failed", "reasons": [str(error)]}

    return row


def _decoded(file: str, given: Given) -> Radiograph:
    if isinstance(given, UnreadableImage):
        raise given
    name = file.partition("::")[0] if is_url(file) else None
    return read_radiograph(given, name=name)


def _digest(given: Given) -> str | None:
    """Return the SHA-256 of the X-ray's bytes, its id in the log; None for a missing file."""
    if isinstance(given, Path) and not given.is_file():
        return None  # opening a pipe would block
    try:
        return image_digest(given) if isinstance(given, Path | bytes) else None
    except OSError:  # it was removed meanwhile
        return None
