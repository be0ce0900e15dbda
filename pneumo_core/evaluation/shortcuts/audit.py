"""Audit of a dataset: how well properties unrelated to disease predict its labels."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.core.text import x_rays
from pneumo_core.datasets import LABELS, NORMAL, PNEUMONIA, SPLITS, Dataset
from pneumo_core.evaluation.shortcuts.combined import predict_from_all
from pneumo_core.evaluation.shortcuts.measure import Measured
from pneumo_core.evaluation.shortcuts.properties import PROPERTIES, Property
from pneumo_core.metrics import Estimate, clustered_area

__all__ = ["Audit", "Level", "Separation", "Shift", "Together", "audit", "level_of", "separation"]

Level: TypeAlias = Literal["strong", "moderate", "weak", "none"]

_LEVELS: Mapping[Level, float] = {"strong": 0.8, "moderate": 0.65, "weak": 0.55}
"""The AUC that the lower end of an interval must reach for each level."""

_FEWEST = 5
"""The fewest patients per group for a comparison."""
_MOST = 20_000
"""The most X-rays of a split to examine; a larger split is sampled by patient."""


@dataclass(frozen=True)
class Separation:
    """How well one property separates the labels of one split.

    ``auc`` is at least 0.5, whatever the direction; ``higher`` is the label (0, 1) with the higher
    values. NaN where unknown. ``medians``: of NORMAL and PNEUMONIA; ``measured``: the number of
    X-rays of each with a known value.
    """

    prop: Property
    split: str
    auc: Estimate
    higher: int
    medians: tuple[float, float]
    measured: tuple[int, int]

    @property
    def level(self) -> Level:
        return level_of(self.auc)


@dataclass(frozen=True)
class Together:
    """How well all properties together predict the label of a split, cross-validated by patient."""

    split: str
    auc: Estimate
    n: int


@dataclass(frozen=True)
class Shift:
    """How well one property separates X-rays of one label in ``split`` from those in train.

    ``auc`` is at least 0.5; ``medians``: of train and of ``split``. ``towards`` is the label that
    the X-rays of ``split`` resemble more than those of train do, by a property that separates the
    labels in train; None otherwise.
    """

    prop: Property
    split: str
    label: int
    auc: Estimate
    medians: tuple[float, float]
    towards: int | None

    @property
    def level(self) -> Level:
        return level_of(self.auc)


@dataclass(frozen=True, eq=False)
class Audit:
    """The result of a shortcut audit.

    ``separations`` and ``shifts`` are sorted by AUC, largest first. ``unmeasured``: properties
    without a value for any X-ray; ``constant``: those with a single value. ``notes`` name excluded
    data.
    """

    name: str
    separations: tuple[Separation, ...]
    together: tuple[Together, ...]
    shifts: tuple[Shift, ...]
    unmeasured: tuple[Property, ...]
    constant: tuple[Property, ...]
    notes: tuple[str, ...]

    def joined_by(self, more: Iterable[Separation]) -> "Audit":
        """Return the audit with further separations."""
        return replace(self, separations=_strongest_first([*self.separations, *more]))

    def table(self) -> pd.DataFrame:
        """Return one row per property and split, and per shift, as ``--csv`` writes them."""
        return pd.DataFrame(
            [
                *({"kind": "label", **row} for row in map(_separation_row, self.separations)),
                *({"kind": "all together", **row} for row in map(_together_row, self.together)),
                *({"kind": "shift", **row} for row in map(_shift_row, self.shifts)),
            ]
        )

    def as_dict(self) -> dict[str, Any]:
        """Return all results as JSON types; missing numbers are None."""
        return {
            "dataset": self.name,
            "label": [_without_nan(_separation_row(each)) for each in self.separations],
            "all_together": [_without_nan(_together_row(each)) for each in self.together],
            "shifts": [_without_nan(_shift_row(each)) for each in self.shifts],
            "not_measured": [each.key for each in self.unmeasured],
            "constant": [each.key for each in self.constant],
            "notes": list(self.notes),
        }


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
    splits = [split for split in SPLITS if (films["split"] == split).any()]
    separations, together = [], []
    for number, split in enumerate(splits, 1):
        rows = films[films["split"] == split].reset_index(drop=True)
        if rows["label"].nunique() == 2:
            separations += [separation(rows, each, split) for each in _varying(rows)]
            together.append(_together(rows, split))
        if progress:
            progress(number, len(splits))
    shifts = _shifts(films, splits, separations)
    unreadable = len(measured.unreadable)
    if unreadable:
        notes.append(f"{x_rays(unreadable)} could not be read and {_was(unreadable)} left out.")
    known = {key: films[key].notna().any() for key in PROPERTIES}
    return Audit(
        dataset.name,
        _strongest_first(separations),
        tuple(together),
        tuple(sorted(shifts, key=lambda each: -_or_zero(each.auc.value))),
        tuple(each for key, each in PROPERTIES.items() if not known[key]),
        tuple(p for key, p in PROPERTIES.items() if known[key] and films[key].nunique() == 1),
        tuple(notes),
    )


def level_of(auc: Estimate) -> Level:
    """Return how strong a separation is, by the lower end of the AUC's interval."""
    for level, least in _LEVELS.items():
        if auc.low >= least:
            return level
    return "none"


def separation(rows: pd.DataFrame, prop: Property, split: str) -> Separation:
    """Return how well a property, a column of ``rows``, separates the labels of a split."""
    known = rows[rows[prop.key].notna()]
    normal, ill = (known.loc[known["label"] == label, prop.key] for label in (NORMAL, PNEUMONIA))
    auc, upward = _area(known["label"], known[prop.key], known["patient"])
    medians = (float(normal.median()), float(ill.median()))
    higher = PNEUMONIA if upward else NORMAL
    return Separation(prop, split, auc, higher, medians, (len(normal), len(ill)))


def _strongest_first(separations: Iterable[Separation]) -> tuple[Separation, ...]:
    return tuple(sorted(separations, key=lambda each: -_or_zero(each.auc.value)))


def _together(rows: pd.DataFrame, split: str) -> Together:
    labels = rows["label"].to_numpy(np.int64)
    patients = rows["patient"].to_numpy(str)
    values = rows[list(PROPERTIES)].to_numpy(np.float64)
    predicted = predict_from_all(values, labels, patients, threads=settings().threads)
    if predicted is None:
        return Together(split, Estimate(math.nan, math.nan, math.nan), len(rows))
    return Together(split, clustered_area(labels, predicted, patients), len(rows))


def _shifts(films: pd.DataFrame, splits: list[str], separations: list[Separation]) -> list[Shift]:
    if "train" not in splits:
        return []
    higher = {each.prop.key: each.higher for each in separations if _separates_in_train(each)}
    found = []
    for split in splits:
        for label in (NORMAL, PNEUMONIA) if split != "train" else ():
            rows = films[films["split"].isin(["train", split]) & (films["label"] == label)]
            if rows["split"].nunique() == 2:
                found += [_shift(rows, each, split, label, higher) for each in _varying(rows)]
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


def _varying(rows: pd.DataFrame) -> list[Property]:
    """Return the properties with more than one value here."""
    return [each for key, each in PROPERTIES.items() if rows[key].nunique() > 1]


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


def _separation_row(each: Separation) -> dict[str, Any]:
    return {
        "property": each.prop.key,
        "split": each.split,
        **_estimate_row(each.auc),
        "higher_in": LABELS[each.higher],
        "median_normal": each.medians[0],
        "median_pneumonia": each.medians[1],
        "n_normal": each.measured[0],
        "n_pneumonia": each.measured[1],
        "level": each.level,
    }


def _together_row(each: Together) -> dict[str, Any]:
    return {
        "split": each.split,
        **_estimate_row(each.auc),
        "n": each.n,
        "level": level_of(each.auc),
    }


def _shift_row(each: Shift) -> dict[str, Any]:
    return {
        "property": each.prop.key,
        "split": each.split,
        "label": LABELS[each.label],
        **_estimate_row(each.auc),
        "median_train": each.medians[0],
        "median_split": each.medians[1],
        "towards": None if each.towards is None else LABELS[each.towards],
        "level": each.level,
    }


def _estimate_row(auc: Estimate) -> dict[str, float]:
    named = asdict(auc)
    return {"auc": named["value"], "auc_low": named["low"], "auc_high": named["high"]}


def _without_nan(row: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}


def _or_zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _was(n: int) -> str:
    return "was" if n == 1 else "were"
