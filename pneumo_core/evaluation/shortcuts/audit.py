"""How far a dataset's labels can be told from properties that are no disease."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets import LABELS, NORMAL, PNEUMONIA, SPLITS, Dataset
from pneumo_core.evaluation.shortcuts.combined import told_together
from pneumo_core.evaluation.shortcuts.measure import Measured
from pneumo_core.evaluation.shortcuts.properties import PROPERTIES, Property
from pneumo_core.metrics import Estimate, clustered_area

__all__ = ["Audit", "Level", "Separation", "Shift", "Together", "audit", "level_of"]

Level: TypeAlias = Literal["strong", "moderate", "weak", "none"]

_LEVELS: Mapping[Level, float] = {"strong": 0.8, "moderate": 0.65, "weak": 0.55}
"""The AUC that the lower end of an interval must reach."""

_FEWEST = 5
"""Patients of each group that a comparison needs."""
_MOST = 20_000
"""X-rays of a split that are looked at; of a larger one this many are drawn, patient by patient."""


@dataclass(frozen=True)
class Separation:
    """How far one property tells the label of the X-rays of one split.

    ``auc`` is at least 0.5, whatever the direction; ``higher`` tells which label (0, 1) has the
    higher values. NaN where it can't be told. ``medians`` are those of NORMAL and PNEUMONIA,
    ``measured`` of how many X-rays of each the property is known.
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
    """How far all properties together tell the label of a split, in cross-validation by patient."""

    split: str
    auc: Estimate
    n: int


@dataclass(frozen=True)
class Shift:
    """How far one property tells the X-rays of one label in ``split`` from those in train.

    ``auc`` is at least 0.5; ``medians`` are those of train and of ``split``. ``towards`` is the
    label that the X-rays of ``split`` look more like than those of train, by a property that tells
    the label in train; None where it does not.
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
    """What properties that are no disease tell of a dataset's labels.

    ``separations`` and ``shifts`` come with the largest AUC first. ``unmeasured`` lists properties
    that are known of no X-ray, ``constant`` those that are the same in every one. ``notes`` say
    what was left out.
    """

    name: str
    separations: tuple[Separation, ...]
    together: tuple[Together, ...]
    shifts: tuple[Shift, ...]
    unmeasured: tuple[Property, ...]
    constant: tuple[Property, ...]
    notes: tuple[str, ...]

    def table(self) -> pd.DataFrame:
        """A row for each property and split, and for each shift: what ``--csv`` writes."""
        return pd.DataFrame(
            [
                *({"kind": "label", **row} for row in map(_separation_row, self.separations)),
                *({"kind": "all together", **row} for row in map(_together_row, self.together)),
                *({"kind": "shift", **row} for row in map(_shift_row, self.shifts)),
            ]
        )

    def as_dict(self) -> dict[str, Any]:
        """Everything as JSON knows it; a figure that doesn't exist is None."""
        return {
            "dataset": self.name,
            "label": [_known(_separation_row(each)) for each in self.separations],
            "all_together": [_known(_together_row(each)) for each in self.together],
            "shifts": [_known(_shift_row(each)) for each in self.shifts],
            "not_measured": [each.key for each in self.unmeasured],
            "constant": [each.key for each in self.constant],
            "notes": list(self.notes),
        }


def audit(dataset: Dataset, measured: Measured, *, progress: Progress | None = None) -> Audit:
    """Compare the properties of the X-rays of both labels, and those of train with other splits.

    Intervals hold 95 % and keep the X-rays of a patient together (``metrics.clustered_area``).

    Args:
        dataset: its splits, labels and patients. A validation split that Pneumo cut from train
            counts as train, where it came from.
        measured: the properties of its X-rays.
        progress: called after each split.
    """
    films = dataset.as_found().films[["id", "split", "label", "patient"]]
    films = films.merge(measured.table, on="id", how="inner")
    films, notes = _drawn(films)
    splits = [split for split in SPLITS if (films["split"] == split).any()]
    told, together = [], []
    for number, split in enumerate(splits, 1):
        rows = films[films["split"] == split].reset_index(drop=True)
        if rows["label"].nunique() == 2:
            told += [_separation(rows, each, split) for each in _varied(rows)]
            together.append(_together(rows, split))
        if progress:
            progress(number, len(splits))
    shifts = _shifts(films, splits, told)
    unreadable = len(measured.unreadable)
    if unreadable:
        notes.append(f"{_count(unreadable)} could not be read and {_was(unreadable)} left out.")
    known = {key: films[key].notna().any() for key in PROPERTIES}
    return Audit(
        dataset.name,
        tuple(sorted(told, key=lambda each: -_or_zero(each.auc.value))),
        tuple(together),
        tuple(sorted(shifts, key=lambda each: -_or_zero(each.auc.value))),
        tuple(each for key, each in PROPERTIES.items() if not known[key]),
        tuple(p for key, p in PROPERTIES.items() if known[key] and films[key].nunique() == 1),
        tuple(notes),
    )


def level_of(auc: Estimate) -> Level:
    """Say how much an AUC tells, by the lower end of its interval."""
    for level, least in _LEVELS.items():
        if auc.low >= least:
            return level
    return "none"


def _separation(rows: pd.DataFrame, prop: Property, split: str) -> Separation:
    known = rows[rows[prop.key].notna()]
    normal, ill = (known.loc[known["label"] == label, prop.key] for label in (NORMAL, PNEUMONIA))
    auc, upward = _area(known["label"], known[prop.key], known["patient"])
    medians = (float(normal.median()), float(ill.median()))
    higher = PNEUMONIA if upward else NORMAL
    return Separation(prop, split, auc, higher, medians, (len(normal), len(ill)))


def _together(rows: pd.DataFrame, split: str) -> Together:
    labels = rows["label"].to_numpy(np.int64)
    patients = rows["patient"].to_numpy(str)
    values = rows[list(PROPERTIES)].to_numpy(np.float64)
    told = told_together(values, labels, patients, threads=settings().threads)
    if told is None:
        return Together(split, Estimate(math.nan, math.nan, math.nan), len(rows))
    return Together(split, clustered_area(labels, told, patients), len(rows))


def _shifts(films: pd.DataFrame, splits: list[str], told: list[Separation]) -> list[Shift]:
    if "train" not in splits:
        return []
    higher = {each.prop.key: each.higher for each in told if _tells_in_train(each)}
    found = []
    for split in splits:
        for label in (NORMAL, PNEUMONIA) if split != "train" else ():
            rows = films[films["split"].isin(["train", split]) & (films["label"] == label)]
            if rows["split"].nunique() == 2:
                found += [_shift(rows, each, split, label, higher) for each in _varied(rows)]
    return found


def _tells_in_train(told: Separation) -> bool:
    return told.split == "train" and told.level in ("strong", "moderate")


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
    """AUC of values for groups (0, 1), turned so that it is at least 0.5, and whether group 1 has
    the higher values; NaN with fewer than ``_FEWEST`` patients of a group."""
    of = groups.to_numpy(np.int64)
    if min(patients[of == group].nunique() for group in (0, 1)) < _FEWEST:
        return Estimate(math.nan, math.nan, math.nan), True
    auc = clustered_area(of, _ranks(values), patients.to_numpy(str))
    if auc.value >= 0.5:
        return auc, True
    return Estimate(1 - auc.value, 1 - auc.high, 1 - auc.low), False


def _ranks(values: pd.Series) -> NDArray[np.float64]:
    """Values in the same order, in (0, 1]."""
    return np.asarray(rankdata(values.to_numpy(np.float64)) / len(values), dtype=np.float64)


def _varied(rows: pd.DataFrame) -> list[Property]:
    """The properties that have more than one value here."""
    return [each for key, each in PROPERTIES.items() if rows[key].nunique() > 1]


def _drawn(films: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """At most ``_MOST`` X-rays of each split, of patients drawn at random with seed 0."""
    parts, notes = [], []
    for split, rows in films.groupby("split", sort=False):
        if len(rows) > _MOST:
            counts = (
                rows["patient"].value_counts(sort=False).sort_index().sample(frac=1, random_state=0)
            )
            chosen = counts.index[counts.cumsum() <= _MOST]
            notes.append(f"{_MOST:,} of {len(rows):,} {split} X-rays were drawn, by patient.")
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


def _known(row: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()}


def _or_zero(value: float) -> float:
    return 0.0 if math.isnan(value) else value


def _count(n: int) -> str:
    return "1 X-ray" if n == 1 else f"{n:,} X-rays"


def _was(n: int) -> str:
    return "was" if n == 1 else "were"
