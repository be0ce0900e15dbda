"""The reader study: ROC curves of readers and models where the label of the X-rays is known."""

from dataclasses import dataclass

import pandas as pd

from pneumo_core.audit.entry import CONFIDENCE
from pneumo_core.audit.reader_study import first_calls
from pneumo_core.metrics import Areas, Curve, compare_areas, roc_curve

__all__ = ["ReaderRoc", "reader_rocs", "rocs_table"]

_MODEL = ["checkpoint", "version"]


@dataclass(frozen=True, eq=False)
class ReaderRoc:
    """ROC curves of a reader and a model on the same X-rays.

    ``films`` X-rays were counted, ``pneumonia`` of them with that label. ``areas``: the reader's
    area under the curve first, then the model's, and the difference. ``reader``: a point for each
    step of confidence (``audit.CONFIDENCE``) that was used; ``model``: by probability.
    """

    who: str
    checkpoint: str
    version: str
    films: int
    pneumonia: int
    areas: Areas
    reader: Curve
    model: Curve


def reader_rocs(entries: pd.DataFrame, truth: pd.DataFrame) -> list[ReaderRoc]:
    """Return the curves of each reader and model, most X-rays first.

    A call counts when it has a confidence, is the reader's first on the X-ray, was made before a
    result was shown, and the label is known. The areas are empirical, and are compared with
    DeLong's test, clustered by patient (``metrics.compare_areas``).

    Args:
        entries: from ``AuditLog.called_films()``.
        truth: a row for each file, with ``film`` (SHA-256), ``label`` (0 or 1) and ``patient``.

    Returns:
        Curves of pairs that have X-rays of both labels; others are left out.
    """
    calls = first_calls(entries)
    calls = calls[~calls["late"] & calls["confidence"].isin(CONFIDENCE)]
    read = entries[(entries["deed"] == "read") & entries["probability"].notna()]
    read = read.drop_duplicates(["who", "film", *_MODEL], keep="first")
    pairs = calls.merge(read, on=["who", "film"], suffixes=("", "_model"))
    pairs = pairs.merge(truth.drop_duplicates("film"), on="film")
    keys = ["who", *(f"{each}_model" for each in _MODEL)]
    found = [_roc(group) for _, group in pairs.groupby(keys) if group["label"].nunique() == 2]
    return sorted(found, key=lambda each: -each.films)


def rocs_table(found: list[ReaderRoc]) -> pd.DataFrame:
    """Return the areas as a table: one row for each reader and model, with bounds."""
    return pd.DataFrame([_row(each) for each in found])


def _roc(pairs: pd.DataFrame) -> ReaderRoc:
    first = pairs.iloc[0]
    labels = pairs["label"].to_numpy(int)
    # Steps of confidence as shares: only their order counts.
    confidence = (pairs["confidence"].to_numpy(float) - 1) / (len(CONFIDENCE) - 1)
    probability = pairs["probability_model"].to_numpy(float)
    return ReaderRoc(
        who=str(first["who"]),
        checkpoint=str(first["checkpoint_model"]),
        version=str(first["version_model"]),
        films=len(pairs),
        pneumonia=int(labels.sum()),
        areas=compare_areas(labels, confidence, probability, pairs["patient"].to_numpy()),
        reader=roc_curve(labels, confidence),
        model=roc_curve(labels, probability),
    )


def _row(each: ReaderRoc) -> dict[str, object]:
    named = {"reader": each.areas.first, "model": each.areas.second}
    named["difference"] = each.areas.difference
    figures = {
        f"{name}{end}": value
        for name, area in named.items()
        for end, value in (("_auc", area.value), ("_low", area.low), ("_high", area.high))
    }
    return {
        "who": each.who,
        "checkpoint": each.checkpoint,
        "version": each.version,
        "films": each.films,
        "pneumonia": each.pneumonia,
        **figures,
        "p": each.areas.p,
    }
