"""The result of a shortcut audit, as sentences, a table and JSON."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import pandas as pd

from pneumo_core.datasets import LABELS
from pneumo_core.evaluation.shortcuts.comparisons import Separation, Shift, Together, level_of
from pneumo_core.evaluation.shortcuts.properties import Property
from pneumo_core.evaluation.shortcuts.words import summary
from pneumo_core.metrics import Estimate

__all__ = ["Audit", "or_zero", "strongest_first"]


@dataclass(frozen=True, eq=False)
class Audit:
    """The result of a shortcut audit.

    ``separations`` and ``shifts`` are sorted by AUC, largest first. ``unmeasured``: properties
    without a value for any X-ray; ``constant``: those with a single value. ``notes`` name excluded
    data. ``summary`` says the main results in sentences, ``table`` holds every figure.
    """

    name: str
    separations: tuple[Separation, ...]
    together: tuple[Together, ...]
    shifts: tuple[Shift, ...]
    unmeasured: tuple[Property, ...]
    constant: tuple[Property, ...]
    notes: tuple[str, ...]

    @property
    def clear_shifts(self) -> tuple[Shift, ...]:
        """The shifts that are at least weak, the largest first."""
        return tuple(each for each in self.shifts if each.level != "none")

    @property
    def telling(self) -> tuple[Property, ...]:
        """The properties that predict the label or differ between splits, the strongest first."""
        found = [each.prop for each in self.separations if each.level != "none"]
        found += [each.prop for each in self.clear_shifts]
        return tuple({each.key: each for each in found}.values())

    def summary(self) -> list[str]:
        """Return the main results in a few sentences, the worst first."""
        return summary(self)

    def joined_by(self, more: Iterable[Separation]) -> "Audit":
        """Return the audit with further separations."""
        return replace(self, separations=strongest_first([*self.separations, *more]))

    def table(self) -> pd.DataFrame:
        """Return one row per property and split, and per shift, as ``--csv`` writes them.

        Each says what its property means (``means``), what to do about it (``remedy``), and how it
        may be related to disease (``may_be_disease``, "" if it can't be).
        """
        rows: list[dict[str, Any]] = [
            *({"kind": "label", **row} for row in map(_separation_row, self.separations)),
            *({"kind": "all together", **row} for row in map(_together_row, self.together)),
            *({"kind": "shift", **row} for row in map(_shift_row, self.shifts)),
        ]
        meanings = {each.key: _meaning(each) for each in self._all()}
        texts = [meanings.get(row.get("property", ""), {}) for row in rows]
        return pd.DataFrame(rows).join(pd.DataFrame(texts))

    def as_dict(self) -> dict[str, Any]:
        """Return all results as JSON types; missing numbers are None."""
        return {
            "dataset": self.name,
            "label": [_without_nan(_separation_row(each)) for each in self.separations],
            "all_together": [_without_nan(_together_row(each)) for each in self.together],
            "shifts": [_without_nan(_shift_row(each)) for each in self.shifts],
            "not_measured": [each.key for each in self.unmeasured],
            "constant": [each.key for each in self.constant],
            "properties": {each.key: _described(each) for each in self._all()},
            "notes": list(self.notes),
        }

    def _all(self) -> list[Property]:
        compared = [each.prop for each in self.separations] + [each.prop for each in self.shifts]
        every = [*compared, *self.unmeasured, *self.constant]
        return list({each.key: each for each in every}.values())


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


def _described(prop: Property) -> dict[str, str]:
    return {"title": prop.title, **_meaning(prop)}


def _meaning(prop: Property) -> dict[str, str]:
    return {"means": prop.means, "remedy": prop.remedy, "may_be_disease": prop.disease}


def strongest_first(separations: Iterable[Separation]) -> tuple[Separation, ...]:
    """Return separations by AUC, largest first; unknown ones last."""
    return tuple(sorted(separations, key=lambda each: -or_zero(each.auc.value)))


def or_zero(value: float) -> float:
    """Return a number, or 0 for NaN."""
    return 0.0 if math.isnan(value) else value
