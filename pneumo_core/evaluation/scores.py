"""Scores tables: one row per X-ray, keyed by its id, from files or from a checkpoint.

Columns: id, patient, split, label (0, 1), subtype, probability, and any others a file brings.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.core.files import write_whole
from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets import Dataset
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation.evaluate import score_dataset
from pneumo_core.lungs import NetworkInput
from pneumo_core.metrics import confusion

__all__ = [
    "Scores",
    "dataset_scores",
    "read_scores",
    "read_scores_file",
    "scores_csv",
    "shipped_scores",
]

COLUMNS = ("id", "patient", "split", "label", "subtype", "probability")
UNLABELLED = -1
"""The label of an X-ray whose label is unknown."""

_MOST_ROWS, _MOST_ON_DISK = 500_000, 10_000_000
"""The most rows of a file that is uploaded to a page, and of one on disk."""
_UNREADABLE, _REMARKS = b"pneumo unreadable", b"pneumo remarks"
"""Keys in a saved table's metadata: why X-rays are excluded, and what is odd about others."""
_MADE_BY = ("checkpoint", "version")
_WORDS = dict.fromkeys(("id", "patient", "split", "subtype", *_MADE_BY), str)
"""Columns to read as text: a version may be "00000000"."""
_NAMES = {"val": "validation X-rays", "test": "test X-rays"}


@dataclass(frozen=True, eq=False)
class Scores:
    """One checkpoint's scores of some X-rays.

    ``table`` has one row per X-ray; ``name`` describes the X-rays, ``checkpoint`` and ``version``
    the model ("" if a file doesn't say). ``warnings`` are sentences about the scores' limits.
    ``unreadable`` maps ids of excluded X-rays to the reason, ``remarks`` those of X-rays that the
    model may not have seen as it should to a key of ``lungs.remarks.REMARKS``.
    """

    table: pd.DataFrame
    name: str
    checkpoint: str = ""
    version: str = ""
    warnings: tuple[str, ...] = ()
    unreadable: dict[str, str] = field(default_factory=dict)
    remarks: dict[str, str] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """Hex digits that identify these scores."""
        digest = hashlib.sha256(f"{self.checkpoint} {self.version} {self.name}".encode())
        digest.update(pd.util.hash_pandas_object(self.table, index=False).to_numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def labelled(self) -> pd.DataFrame:
        """The rows with a known label, renumbered."""
        return self.table[self.table["label"] != UNLABELLED].reset_index(drop=True)

    @property
    def classes(self) -> set[int]:
        """The labels that occur."""
        return set(self.labelled["label"].unique().tolist())


def shipped_scores(checkpoint: Checkpoint, split: str) -> Scores:
    """Read the scores stored with a checkpoint, of its "val" or "test" X-rays.

    Raises CheckpointError, or PneumoError when it has no scores of that split.
    """
    table = checkpoint.scores
    rows = table[table["split"] == split].reset_index(drop=True)
    if rows.empty:
        raise PneumoError(f"'{checkpoint.name}' has no stored scores of {split} X-rays.")
    return Scores(
        rows,
        _NAMES.get(split, f"{split} X-rays"),
        checkpoint.name,
        checkpoint.card.version,
        _card_warning(checkpoint, split, rows),
    )


def dataset_scores(
    checkpoint: Checkpoint,
    dataset: Dataset,
    *,
    decoding: Progress | None = None,
    scoring: Progress | None = None,
    home: Path | None = None,
) -> Scores:
    """Return the scores of a dataset's readable X-rays, computing them once.

    They are cached under ``home`` (default: PNEUMO_HOME), in ``scores``, by the checkpoint's
    version, its input's key and the X-rays. Raises DatasetError or CheckpointError.
    """
    version = checkpoint.card.version
    identity = f"{version} {NetworkInput.of(checkpoint.card.input).key} {dataset.fingerprint}"
    key = hashlib.sha256(identity.encode()).hexdigest()[:24]
    file = (home or settings().home) / "scores" / f"{checkpoint.name}-{key}.parquet"
    known = _read_cache(file)
    if known is None:
        known = score_dataset(checkpoint, dataset, decoding=decoding, scoring=scoring)
        write_whole(file, _as_parquet(*known))
    table, unreadable, remarks = known
    return Scores(table, dataset.name, checkpoint.name, version, (), unreadable, remarks)


def read_scores_file(path: Path) -> Scores:
    """Read a scores table from disk: CSV, Parquet, or the folder of a batch.

    As ``read_scores``, for up to ``_MOST_ON_DISK`` rows. Of a batch, the X-rays that were read are
    taken; its column ``model`` is the checkpoint.
    """
    try:
        if not path.is_dir():
            return _checked(_parse(path.read_bytes(), path.name), path.name, _MOST_ON_DISK)
        names = ["id", "patient", "split", "label", "probability", "model", "version", "status"]
        whole = pq.read_table(path, columns=names, ignore_prefixes=["_", "."])
    except FileNotFoundError as error:
        raise PneumoError(f"There is no file or folder '{path}'. Check the path.") from error
    except (OSError, pa.ArrowException) as error:
        raise PneumoError(
            f"'{path}' contains no readable scores: {error}. Name a CSV or Parquet file, or "
            "the folder of 'pneumo predict --out'."
        ) from error
    read = whole.filter(pc.equal(whole["status"], "read")).drop_columns(["status"])
    table = read.rename_columns({"model": "checkpoint"}).to_pandas()
    return _checked(table, path.name, _MOST_ON_DISK)


def read_scores(content: bytes, name: str) -> Scores:
    """Read a scores table from a CSV or Parquet file with at least ``id`` and ``probability``.

    ``label`` (0, 1, NORMAL, PNEUMONIA or empty), ``patient``, ``split``, ``subtype`` and other
    columns are used if present; an X-ray without a patient counts as a patient of its own. Raises
    PneumoError with what is wrong and what to do.
    """
    return _checked(_parse(content, name), name, _MOST_ROWS)


def _checked(table: pd.DataFrame, name: str, most: int) -> Scores:
    """Return the scores in a table of any types. Raises PneumoError, see ``read_scores``."""
    table = _with_known_names(table, name)
    for column in ("id", "probability"):
        if column not in table:
            raise PneumoError(
                f"'{name}' has no column '{column}'. A scores file needs 'id' and 'probability', "
                "and 'label' for metrics."
            )
    if table.empty:
        raise PneumoError(f"'{name}' has no rows. Add one row per X-ray.")
    if len(table) > most:
        raise PneumoError(f"'{name}' has more than {most:,} rows. Split the file.")
    ids = table["id"].astype("string").fillna("").str.strip().astype(str)
    if (ids == "").any():
        raise PneumoError(f"'{name}' has a row without an id. Give every X-ray an id of its own.")
    if ids.duplicated().any():
        twice = ids[ids.duplicated()].iloc[0]
        raise PneumoError(f"'{name}' has the X-ray '{twice}' twice. Keep one row per X-ray.")
    probability = _numbers(table["probability"])
    if not probability.between(0, 1).all():
        raise PneumoError(f"'{name}' has probabilities that are not numbers from 0 to 1.")
    label = _labels(table["label"], name) if "label" in table else UNLABELLED
    patient = _text(table, "patient")
    checkpoint, version = (_only(_text(table, each)) for each in _MADE_BY)
    whole = table.drop(columns=[each for each in _MADE_BY if each in table]).assign(
        id=ids,
        probability=probability.astype(np.float32),
        label=label,
        patient=patient.where(patient != "", ids),
        split=_text(table, "split"),
        subtype=_text(table, "subtype"),
    )
    others = [column for column in whole if column not in COLUMNS]
    rows = whole[[*COLUMNS, *others]].reset_index(drop=True)
    return Scores(rows, name, checkpoint, version)


def scores_csv(scores: Scores, threshold: float) -> str:
    """Return the table as CSV: ``label`` is the truth, ``predicted`` (0, 1) the model's result."""
    table = scores.table
    return table.assign(
        label=table["label"].where(table["label"] != UNLABELLED).astype("Int64"),
        predicted=(table["probability"] >= threshold).astype(int),
        threshold=threshold,
        checkpoint=scores.checkpoint,
        version=scores.version,
    ).to_csv(index=False)


def _card_warning(checkpoint: Checkpoint, split: str, rows: pd.DataFrame) -> tuple[str, ...]:
    """Return a warning if the scores do not match those on the model card."""
    said = checkpoint.card.evaluation.get(split)
    if said is None:
        return ()
    counted = confusion(rows["label"], rows["probability"], said.threshold)
    if counted == said.confusion:
        return ()
    return (
        f"These scores do not match the model card of '{checkpoint.name}': they "
        "may be from another version. Evaluate the model again on its X-rays.",
    )


def _as_parquet(
    table: pd.DataFrame, unreadable: Mapping[str, str], remarks: Mapping[str, str]
) -> bytes:
    """Return a scores table as Parquet; metadata: why X-rays are excluded, and the remarks."""
    whole = pa.Table.from_pandas(table, preserve_index=False)
    facts = dict(whole.schema.metadata or {})
    for name, said in ((_UNREADABLE, unreadable), (_REMARKS, remarks)):
        facts[name] = json.dumps(dict(said)).encode()
    buffer = io.BytesIO()
    pq.write_table(whole.replace_schema_metadata(facts), buffer)
    return buffer.getvalue()


def _read_cache(file: Path) -> tuple[pd.DataFrame, dict[str, str], dict[str, str]] | None:
    """Read a cached table; None if it is missing, damaged or of an older format."""
    try:
        whole = pq.read_table(io.BytesIO(file.read_bytes()))
        facts = whole.schema.metadata
        unreadable, remarks = (json.loads(facts[name]) for name in (_UNREADABLE, _REMARKS))
        return whole.to_pandas(), unreadable, remarks
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _parse(content: bytes, name: str) -> pd.DataFrame:
    try:
        if content[:4] == b"PAR1":
            return pd.read_parquet(io.BytesIO(content))
        return pd.read_csv(
            io.BytesIO(content),
            sep=None,
            engine="python",
            encoding="utf-8-sig",
            dtype=_WORDS,
            na_values=[""],
            keep_default_na=False,  # an id may be "NA"
        )
    except (OSError, ValueError, ImportError, csv.Error) as error:
        raise PneumoError(f"'{name}' is neither CSV nor Parquet. Upload one of these.") from error


def _with_known_names(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the table with its known columns in lower case. Raises PneumoError if one is there
    twice."""
    plain = [str(column).strip().lower() for column in table]
    known = [re.sub(r"\.\d+$", "", each) for each in plain]  # pandas numbers a second one
    twice = [each for each in COLUMNS if known.count(each) > 1]
    if twice:
        raise PneumoError(
            f"'{name}' has more than one column '{twice[0]}'. Delete or rename the others."
        )
    names = {old: new for old, new in zip(table, plain, strict=True) if new in COLUMNS}
    return table.rename(columns=names)


def _numbers(column: pd.Series) -> pd.Series:
    """Return numbers, with a decimal point or comma; NaN for anything else."""
    if pd.api.types.is_numeric_dtype(column):
        return column
    pointed = column.astype("string").str.strip().str.replace(",", ".", regex=False)
    return pd.to_numeric(pointed, errors="coerce").astype(float)


def _labels(column: pd.Series, name: str) -> pd.Series:
    words = column.astype("string").str.strip().str.upper().fillna("")
    known = {"0": 0, "0.0": 0, "NORMAL": 0, "1": 1, "1.0": 1, "PNEUMONIA": 1, "": UNLABELLED}
    strange = words[~words.isin(list(known))]
    if len(strange):
        raise PneumoError(
            f"'{name}' has the label '{strange.iloc[0]}'. Use 0 or NORMAL, 1 or PNEUMONIA, or "
            "leave it empty."
        )
    return words.map(known).astype(np.int64)


def _text(table: pd.DataFrame, column: str) -> pd.Series:
    if column not in table:
        return pd.Series("", index=table.index, dtype=str)
    return table[column].astype("string").fillna("").astype(str)


def _only(column: pd.Series) -> str:
    """Return the single value of a column; "" if there are several."""
    found = column.unique()
    return str(found[0]) if len(found) == 1 else ""
