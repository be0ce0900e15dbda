"""A model's false alarms and misses by quartile of each property."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pneumo_core.datasets import LABELS, NORMAL, PNEUMONIA
from pneumo_core.evaluation.shortcuts.measure import Measured
from pneumo_core.evaluation.shortcuts.properties import Property
from pneumo_core.metrics import Estimate, rate

__all__ = ["MIN_IMAGES", "ByQuartile", "Quarter", "by_quartile", "quartile_table"]

MIN_IMAGES = 20
"""The fewest X-rays of a label to divide into quarters."""


@dataclass(frozen=True)
class Quarter:
    """A quarter of the X-rays of one label, by a property.

    ``low`` and ``high``: its bounds, both included; ``errors`` of its ``n`` X-rays are
    misclassified."""

    low: float
    high: float
    n: int
    errors: int
    rate: Estimate


@dataclass(frozen=True)
class ByQuartile:
    """False alarms (label 0) or misses (label 1) by quartile of a property, lowest quarter first.

    Fewer than four parts if many X-rays share a value. ``unmeasured``: X-rays without a value.
    """

    prop: Property
    split: str
    label: int
    quarters: tuple[Quarter, ...]
    unmeasured: int

    @property
    def spread(self) -> float:
        """The largest rate minus the smallest, in [0, 1]."""
        rates = [each.rate.value for each in self.quarters]
        return max(rates) - min(rates)

    @property
    def gap(self) -> float:
        """Gap between the intervals of the worst and the best quarter.

        Negative where they overlap, so that the difference may be chance."""
        best = min(self.quarters, key=lambda each: each.rate.value)
        worst = max(self.quarters, key=lambda each: each.rate.value)
        return worst.rate.low - best.rate.high

    @property
    def clear(self) -> bool:
        """Whether the intervals of the worst and the best quarter do not overlap."""
        return bool(self.gap > 0)


def by_quartile(scores: pd.DataFrame, measured: Measured, threshold: float) -> list[ByQuartile]:
    """Count false alarms and misses in the quarters of each property, clearest difference first.

    Quartiles are computed over the X-rays of one label in one split. A constant property is left
    out, and so is a label with fewer than 20 X-rays.

    Args:
        scores: columns ``id``, ``split``, ``label`` (0, 1) and ``probability``.
        measured: the properties of the X-rays; those missing in it are left out.
        threshold: X-rays are called PNEUMONIA when their probability is at least this.
    """
    films = scores[["id", "split", "label", "probability"]].merge(measured.table, on="id")
    films = films.assign(wrong=(films["probability"] >= threshold) != (films["label"] == PNEUMONIA))
    found = [
        each
        for (split, label), rows in films.groupby(["split", "label"], sort=False)
        if label in (NORMAL, PNEUMONIA)
        for prop in measured.properties
        if (each := _cut(rows, prop, str(split), int(label))) is not None
    ]
    return sorted(found, key=lambda each: (-each.gap, each.label, each.prop.key))


def quartile_table(found: Sequence[ByQuartile]) -> pd.DataFrame:
    """Return one row per quarter.

    Columns: property, split, error, quarter, its bounds, counts and rate."""
    rows: list[dict[str, Any]] = [
        {
            "property": each.prop.key,
            "split": each.split,
            "label": LABELS[each.label],
            "error": "misses" if each.label else "false alarms",
            "quarter": number,
            "of": len(each.quarters),
            "low": quarter.low,
            "high": quarter.high,
            "n": quarter.n,
            "errors": quarter.errors,
            "rate": quarter.rate.value,
            "rate_low": quarter.rate.low,
            "rate_high": quarter.rate.high,
            "not_measured": each.unmeasured,
        }
        for each in found
        for number, quarter in enumerate(each.quarters, 1)
    ]
    return pd.DataFrame(rows)


def _cut(rows: pd.DataFrame, prop: Property, split: str, label: int) -> ByQuartile | None:
    known = rows[rows[prop.key].notna()]
    values = known[prop.key].to_numpy(np.float64)
    wrong = known["wrong"].to_numpy(np.bool_)
    if len(values) < MIN_IMAGES:
        return None
    part = _quarter_of(values)
    if part.max() == 0:
        return None
    quarters = [_quarter(values[part == k], wrong[part == k]) for k in range(part.max() + 1)]
    return ByQuartile(prop, split, label, tuple(quarters), len(rows) - len(known))


def _quarter_of(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number each value's quarter from 0; equal values share one, and none is empty."""
    edges = np.quantile(values, [0.25, 0.5, 0.75])
    part = np.searchsorted(edges, values, side="left")
    return np.unique(part, return_inverse=True)[1].astype(np.int64)


def _quarter(values: NDArray[np.float64], wrong: NDArray[np.bool_]) -> Quarter:
    errors, n = int(wrong.sum()), len(wrong)
    return Quarter(float(values.min()), float(values.max()), n, errors, rate(errors, n))
