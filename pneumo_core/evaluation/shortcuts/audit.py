"""Audit of a dataset: how well properties unrelated to disease predict its labels."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.core.text import x_rays
from pneumo_core.datasets import NORMAL, PNEUMONIA, SPLITS, Dataset
from pneumo_core.evaluation.shortcuts.combined import predict_from_all
from pneumo_core.evaluation.shortcuts.comparisons import Separation, Shift, Together
from pneumo_core.evaluation.shortcuts.measure import Measured
from pneumo_core.evaluation.shortcuts.properties import Property
from pneumo_core.evaluation.shortcuts.result import Audit, or_zero, strongest_first
from pneumo_core.metrics import Estimate, clustered_area

__all__ = ["audit", "separation"]

_FEWEST = 5
"""The fewest patients per group for a comparison."""
_MOST = 20_000
"""The most X-rays of a split to examine; a larger split is sampled by patient."""


def audit(dataset: Dataset, measured: Measured, *, progress: Progress | None = None) -> Audit:
    """Compare the properties of the X-rays of both labels, and those of train with other splits.

    Intervals are 95 %, clustered by patient (``metrics.clustered_area``).

    Args:
        dataset: its splits, labels and patients. A validation split that Pneumo cut from train
        counts as train.
        measured: the properties of its X-rays.
        progress: called after each split.
    """
    films = dataset.as_found().films[["id", "split", "label", "patient"]]
    films = films.merge(measured.table, on="id", how="inner")
    films, notes = _sample(films)
    props = measured.properties
    splits = [split for split in SPLITS if (films["split"] == split).any()]
    separations, together = [], []
    for number, split in enumerate(splits, 1):
        rows = films[films["split"] == split].reset_index(drop=True)
        if rows["label"].nunique() == 2:
            separations += [separation(rows, each, split) for each in _varying(rows, props)]
            together.append(_together(rows, split, props))
        if progress:
            progress(number, len(splits))
    shifts = _shifts(films, splits, separations, props)
    notes += measured.notes
    unreadable = len(measured.unreadable)
    if unreadable:
        notes.append(f"{x_rays(unreadable)} could not be read and {_was(unreadable)} left out.")
    known = {each.key: films[each.key].notna().any() for each in props}
    return Audit(
        dataset.name,
        strongest_first(separations),
        tuple(together),
        tuple(sorted(shifts, key=lambda each: -or_zero(each.auc.value))),
        tuple(each for each in props if not known[each.key]),
        tuple(p for p in props if known[p.key] and films[p.key].nunique() == 1),
        tuple(notes),
    )


def separation(rows: pd.DataFrame, prop: Property, split: str) -> Separation:
    """Return how well a property, a column of ``rows``, separates the labels of a split."""
    known = rows[rows[prop.key].notna()]
    normal, ill = (known.loc[known["label"] == label, prop.key] for label in (NORMAL, PNEUMONIA))
    auc, upward = _area(known["label"], known[prop.key], known["patient"])
    medians = (float(normal.median()), float(ill.median()))
    higher = PNEUMONIA if upward else NORMAL
    return Separation(prop, split, auc, higher, medians, (len(normal), len(ill)))


def _together(rows: pd.DataFrame, split: str, props: Sequence[Property]) -> Together:
    labels = rows["label"].to_numpy(np.int64)
    patients = rows["patient"].to_numpy(str)
    values = rows[[each.key for each in props]].to_numpy(np.float64)
    predicted = predict_from_all(values, labels, patients, threads=settings().threads)
    if predicted is None:
        return Together(split, Estimate(math.nan, math.nan, math.nan), len(rows))
    return Together(split, clustered_area(labels, predicted, patients), len(rows))


def _shifts(
    films: pd.DataFrame,
    splits: list[str],
    separations: list[Separation],
    props: Sequence[Property],
) -> list[Shift]:
    if "train" not in splits:
        return []
    higher = {each.prop.key: each.higher for each in separations if _separates_in_train(each)}
    found = []
    for split in splits:
        for label in (NORMAL, PNEUMONIA) if split != "train" else ():
            rows = films[films["split"].isin(["train", split]) & (films["label"] == label)]
            if rows["split"].nunique() == 2:
                found += [
                    _shift(rows, each, split, label, higher) for each in _varying(rows, props)
                ]
    return found


def _separates_in_train(each: Separation) -> bool:
    return each.split == "train" and each.level in ("strong", "moderate")


def _shift(
    rows: pd.DataFrame, prop: Property, split: str, label: int, higher: dict[str, int]
) -> Shift:
    known = rows[rows[prop.key].notna()]
    here = known["split"] == split
    auc, upward = _area(here.astype(np.int64), known[prop.key], known["patient"])
    medians = tuple(float(known.loc[mask, prop.key].median()) for mask in (~here, here))
    towards = higher.get(prop.key)
    if towards is not None and not upward:
        towards = 1 - towards
    return Shift(prop, split, label, auc, (medians[0], medians[1]), towards)


def _area(groups: pd.Series, values: pd.Series, patients: pd.Series) -> tuple[Estimate, bool]:
    """Return the AUC, at least 0.5, of values for groups (0, 1), and whether group 1 is higher.

    NaN with fewer than ``_FEWEST`` patients in a group."""
    of = groups.to_numpy(np.int64)
    if min(patients[of == group].nunique() for group in (0, 1)) < _FEWEST:
        return Estimate(math.nan, math.nan, math.nan), True
    auc = clustered_area(of, _ranks(values), patients.to_numpy(str))
    if auc.value >= 0.5:
        return auc, True
    return Estimate(1 - auc.value, 1 - auc.high, 1 - auc.low), False


def _ranks(values: pd.Series) -> NDArray[np.float64]:
    """Return ranks of the values, in (0, 1]."""
    from scipy.stats import rankdata  # takes a second to import

    return np.asarray(rankdata(values.to_numpy(np.float64)) / len(values), dtype=np.float64)


def _varying(rows: pd.DataFrame, props: Sequence[Property]) -> list[Property]:
    """Return the properties with more than one value here."""
    return [each for each in props if rows[each.key].nunique() > 1]


def _sample(films: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return at most ``_MOST`` X-rays of each split, sampled by patient with seed 0."""
    parts, notes = [], []
    for split, rows in films.groupby("split", sort=False):
        if len(rows) > _MOST:
            counts = (
                rows["patient"].value_counts(sort=False).sort_index().sample(frac=1, random_state=0)
            )
            chosen = counts.index[counts.cumsum() <= _MOST]
            notes.append(f"{_MOST:,} of {len(rows):,} {split} X-rays were sampled, by patient.")
            rows = rows[rows["patient"].isin(chosen)]  # noqa: PLW2901
        parts.append(rows)
    return pd.concat(parts, ignore_index=True) if parts else films, notes


def _was(n: int) -> str:
    return "was" if n == 1 else "were"
