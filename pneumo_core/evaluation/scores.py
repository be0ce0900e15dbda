"""Scores tables: one row per film, keyed by its id, wherever they come from.

Columns: id, patient, split, label (0, 1), subtype, probability, and any others a file brings.
"""

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.core.files import write_whole
from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets import Dataset
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation.evaluate import score_dataset
from pneumo_core.metrics import confusion

__all__ = ["Scores", "dataset_scores", "read_scores", "scores_csv", "shipped_scores"]

COLUMNS = ("id", "patient", "split", "label", "subtype", "probability")
UNLABELLED = -1
"""The label of a film of which nobody said what it shows."""

_MOST_ROWS = 500_000
_UNREADABLE = b"pneumo unreadable"
"""Where a kept table says which films it doesn't have, and why."""
_MADE_BY = ("checkpoint", "version")
_WORDS = dict.fromkeys(("id", "patient", "split", "subtype", *_MADE_BY), str)
"""Columns whose digits are not numbers: a version may be "00000000"."""
_NAMES = {"val": "validation films", "test": "test films"}


@dataclass(frozen=True, eq=False)
class Scores:
    """What one checkpoint said of some films.

    ``table`` has one row per film; ``name`` says which films they are, ``checkpoint`` and
    ``version`` who scored them ("" where a file doesn't say). ``warnings`` are sentences about
    what to be careful with. ``unreadable`` maps ids of films left out to the reason.
    """

    table: pd.DataFrame
    name: str
    checkpoint: str = ""
    version: str = ""
    warnings: tuple[str, ...] = ()
    unreadable: dict[str, str] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """Digits that tell these scores from any others."""
        digest = hashlib.sha256(f"{self.checkpoint} {self.version} {self.name}".encode())
        digest.update(pd.util.hash_pandas_object(self.table, index=False).to_numpy().tobytes())
        return digest.hexdigest()[:16]

    @property
    def labelled(self) -> pd.DataFrame:
        """The rows whose label is known, numbered anew."""
        return self.table[self.table["label"] != UNLABELLED].reset_index(drop=True)

    @property
    def classes(self) -> set[int]:
        """The labels that occur."""
        return set(self.labelled["label"].unique().tolist())


def shipped_scores(checkpoint: Checkpoint, split: str) -> Scores:
    """The scores that lie beside a checkpoint, of its "val" or "test" films.

    Raises CheckpointError, or PneumoError when it has none of that split.
    """
    table = checkpoint.scores
    rows = table[table["split"] == split].reset_index(drop=True)
    if rows.empty:
        raise PneumoError(f"'{checkpoint.name}' comes with no scores of {split} films.")
    return Scores(
        rows,
        _NAMES.get(split, f"{split} films"),
        checkpoint.name,
        checkpoint.card.version,
        _disagreement(checkpoint, split, rows),
    )


def dataset_scores(
    checkpoint: Checkpoint,
    dataset: Dataset,
    *,
    decoding: Progress | None = None,
    scoring: Progress | None = None,
    home: Path | None = None,
) -> Scores:
    """The scores of a dataset's readable films, and why the others have none; computed once.

    They lie under ``home`` (default: PNEUMO_HOME), in ``scores``, keyed by the checkpoint's
    version and the films. Raises DatasetError or CheckpointError.
    """
    version = checkpoint.card.version
    key = hashlib.sha256(f"{version} {dataset.fingerprint}".encode()).hexdigest()[:24]
    file = (home or settings().home) / "scores" / f"{checkpoint.name}-{key}.parquet"
    known = _kept(file)
    if known is None:
        known = score_dataset(checkpoint, dataset, decoding=decoding, scoring=scoring)
        write_whole(file, _as_parquet(*known))
    table, unreadable = known
    return Scores(table, dataset.name, checkpoint.name, version, (), unreadable)


def read_scores(content: bytes, name: str) -> Scores:
    """A scores table from a CSV or parquet file: at least ``id`` and ``probability``.

    ``label`` (0, 1, NORMAL, PNEUMONIA or empty), ``patient``, ``split``, ``subtype`` and any other
    column are taken where they are; a patient who isn't named is one of their own. Raises
    PneumoError with what is wrong and what to do.
    """
    table = _parsed(content, name)
    for column in ("id", "probability"):
        if column not in table:
            raise PneumoError(
                f"'{name}' has no column '{column}'. A scores file needs 'id' and 'probability', "
                "and 'label' to be judged."
            )
    if table.empty:
        raise PneumoError(f"'{name}' has no rows. Send one row per film.")
    if len(table) > _MOST_ROWS:
        raise PneumoError(f"'{name}' has more than {_MOST_ROWS:,} rows. Send fewer.")
    ids = table["id"].astype(str)
    if ids.duplicated().any():
        twice = ids[ids.duplicated()].iloc[0]
        raise PneumoError(f"'{name}' names the film '{twice}' twice. Send one row per film.")
    probability = pd.to_numeric(table["probability"], errors="coerce")
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
    """Write the table as CSV: ``label`` is the truth, ``predicted`` (0, 1) what the model says."""
    table = scores.table
    return table.assign(
        label=table["label"].where(table["label"] != UNLABELLED).astype("Int64"),
        predicted=(table["probability"] >= threshold).astype(int),
        threshold=threshold,
        checkpoint=scores.checkpoint,
        version=scores.version,
    ).to_csv(index=False)


def _disagreement(checkpoint: Checkpoint, split: str, rows: pd.DataFrame) -> tuple[str, ...]:
    """A sentence where the scores are not those that the card speaks of."""
    said = checkpoint.card.evaluation.get(split)
    if said is None:
        return ()
    counted = confusion(rows["label"], rows["probability"], said.threshold)
    if counted == said.confusion:
        return ()
    return (
        f"These scores are not those that the card of '{checkpoint.name}' was written with: they "
        "may be another version's. Evaluate it again on its films.",
    )


def _as_parquet(table: pd.DataFrame, unreadable: Mapping[str, str]) -> bytes:
    """A scores table as a file that also says why films were left out of it."""
    whole = pa.Table.from_pandas(table, preserve_index=False)
    facts = {**(whole.schema.metadata or {}), _UNREADABLE: json.dumps(dict(unreadable)).encode()}
    buffer = io.BytesIO()
    pq.write_table(whole.replace_schema_metadata(facts), buffer)
    return buffer.getvalue()


def _kept(file: Path) -> tuple[pd.DataFrame, dict[str, str]] | None:
    """What lies there; None where nothing does, it is damaged, or an older Pneumo wrote it without
    what was left out: it can be computed again."""
    try:
        whole = pq.read_table(io.BytesIO(file.read_bytes()))
        unreadable: dict[str, str] = json.loads(whole.schema.metadata[_UNREADABLE])
        return whole.to_pandas(), unreadable
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _parsed(content: bytes, name: str) -> pd.DataFrame:
    try:
        if content[:4] == b"PAR1":
            return pd.read_parquet(io.BytesIO(content))
        return pd.read_csv(
            io.BytesIO(content), sep=None, engine="python", encoding="utf-8-sig", dtype=_WORDS
        )
    except (OSError, ValueError, ImportError, csv.Error) as error:
        raise PneumoError(f"'{name}' is neither CSV nor Parquet. Upload one of these.") from error


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
    """The one value of a column; "" where there are several."""
    found = column.unique()
    return str(found[0]) if len(found) == 1 else ""
