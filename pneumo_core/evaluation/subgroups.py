"""Rates of a checkpoint for subgroups of X-rays, and X-rays with doubtful labels."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pneumo_core.datasets import NORMAL, PNEUMONIA
from pneumo_core.evaluation.scores import COLUMNS
from pneumo_core.metrics import Estimate, confusion, rate

__all__ = ["SERIES", "Slice", "label_doubts", "slice_columns", "slices", "with_series"]

SERIES = "series"
"""A patient's name without its number, "person" or "IM": the source in public datasets."""

_MOST_VALUES = 40


@dataclass(frozen=True)
class Slice:
    """The X-rays with one value in one column; a rate over no X-rays is NaN."""

    column: str
    value: str
    n: int
    ill: int
    sensitivity: Estimate
    specificity: Estimate


def with_series(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the column ``SERIES`` added."""
    return scores.assign(**{SERIES: scores["patient"].map(_series)})


def slice_columns(scores: pd.DataFrame) -> list[str]:
    """Return the columns that divide the X-rays into a few subgroups.

    Labels, probabilities and ids are left out.
    """
    candidates = [
        SERIES,
        "subtype",
        "split",
        *(str(c) for c in scores if c not in (*COLUMNS, SERIES)),
    ]
    return [c for c in candidates if c in scores and 1 < scores[c].nunique() <= _MOST_VALUES]


def slices(scores: pd.DataFrame, threshold: float, columns: Sequence[str]) -> list[Slice]:
    """Return sensitivity and specificity for every value of the columns, smallest group first.

    ``scores`` has known labels only.
    """
    found = [
        _slice(column, str(value), rows, threshold)
        for column in columns
        for value, rows in scores.groupby(column, dropna=False)
    ]
    return sorted(found, key=lambda each: (each.n, each.column, each.value))


def label_doubts(scores: pd.DataFrame) -> pd.DataFrame:
    """Return X-rays whose label the checkpoint confidently contradicts, most confident first.

    An X-ray labelled NORMAL is doubtful when its probability reaches the mean of the X-rays
    labelled PNEUMONIA, and vice versa: confident learning (Northcutt et al. 2021, doi
    10.1613/jair.1.12125). Adds the column ``confidence``, the probability of the other label. A
    checkpoint that errs also doubts correct labels.
    """
    p, label = scores["probability"].astype(float), scores["label"]
    of_other = p.where(label == NORMAL, 1 - p)
    doubted = pd.Series(False, index=scores.index)
    for given, other in ((NORMAL, PNEUMONIA), (PNEUMONIA, NORMAL)):
        believed = 1 - of_other[label == other]  # its confidence for that label
        if len(believed):
            doubted |= (label == given) & (of_other >= believed.mean())
    found = scores[doubted].assign(confidence=of_other[doubted])
    order = np.lexsort((found["id"].to_numpy(str), -found["confidence"].to_numpy(float)))
    return found.iloc[order].reset_index(drop=True)


def _slice(column: str, value: str, rows: pd.DataFrame, threshold: float) -> Slice:
    counts = confusion(rows["label"], rows["probability"], threshold)
    return Slice(
        column,
        value or "(none)",
        counts.n,
        counts.tp + counts.fn,
        rate(counts.tp, counts.tp + counts.fn),
        rate(counts.tn, counts.tn + counts.fp),
    )


def _series(patient: str) -> str:
    return re.sub(r"[\W_]*\d+$", "", str(patient)) or "(number)"
