"""Rates of a checkpoint for subgroups of X-rays, and X-rays with doubtful labels."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pneumo_core.datasets import NORMAL, PNEUMONIA
from pneumo_core.evaluation.scores import COLUMNS
from pneumo_core.metrics import Estimate, confusion, holm, rate

__all__ = [
    "SERIES",
    "Outlier",
    "Slice",
    "label_doubts",
    "outlier_sentence",
    "outliers",
    "slice_columns",
    "slices",
    "with_series",
]

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


@dataclass(frozen=True)
class Outlier:
    """A subgroup with a rate unlike that of all other X-rays of the same label.

    ``rate``: "sensitivity" or "specificity"; ``rest``: that of the other subgroups together;
    ``p``: Fisher's exact test, corrected by Holm's method for all subgroups of the column.
    """

    slice: Slice
    rate: str
    rest: Estimate
    p: float


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


def outliers(found: Sequence[Slice], *, level: float = 0.05) -> list[Outlier]:
    """Return subgroups of one column whose rate differs from the rest, most significant first.

    ``found``: all subgroups of one column, from ``slices``. X-rays count as independent, although
    some may show the same patient.
    """
    tested = [
        each for name in ("sensitivity", "specificity") for each in _against_rest(found, name)
    ]
    corrected = holm([each.p for each in tested])
    kept = [
        Outlier(each.slice, each.rate, each.rest, float(p))
        for each, p in zip(tested, corrected, strict=True)
        if p < level
    ]
    return sorted(kept, key=lambda each: each.p)


def outlier_sentence(found: Sequence[Slice]) -> str:
    """Return a sentence that names the subgroups of one column that differ from the rest."""
    differ = outliers(found)
    if not differ:
        return "No subgroup clearly differs from the others."
    told = [
        f"{each.slice.value} has a {each.rate} of {getattr(each.slice, each.rate)}, "
        f"the others together {each.rest}"
        for each in _one_of_each_pair(differ, found)
    ]
    return "Differs: " + "; ".join(told) + "."


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


def _against_rest(found: Sequence[Slice], name: str) -> list[Outlier]:
    """Test each subgroup with X-rays of the label against all others; p is not corrected."""
    from scipy.stats import fisher_exact  # takes a second to import

    counts = {each.value: _correct_of(each, name) for each in found}
    right, total = (sum(each[k] for each in counts.values()) for k in (0, 1))
    tested = []
    for each in found:
        own, n = counts[each.value]
        if not n or n == total:
            continue
        table = np.array([[own, n - own], [right - own, total - n - (right - own)]])
        p = float(fisher_exact(table).pvalue)
        tested.append(Outlier(each, name, rate(right - own, total - n), p))
    return tested


def _correct_of(each: Slice, name: str) -> tuple[int, int]:
    """Return how many X-rays of the rate's label are correct, and how many there are."""
    n = each.ill if name == "sensitivity" else each.n - each.ill
    return (round(getattr(each, name).value * n), n) if n else (0, 0)


def _one_of_each_pair(differ: Sequence[Outlier], found: Sequence[Slice]) -> list[Outlier]:
    """Keep one side where only two subgroups have a rate: both sides say the same."""
    kept: list[Outlier] = []
    for each in differ:
        sides = sum(_correct_of(one, each.rate)[1] > 0 for one in found)
        if sides > 2 or all(one.rate != each.rate for one in kept):
            kept.append(each)
    return kept


def _series(patient: str) -> str:
    return re.sub(r"[\W_]*\d+$", "", str(patient)) or "(number)"
