"""All metrics of one checkpoint's scores, with what depends on no threshold cached."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pneumo_core.datasets import NORMAL, PNEUMONIA
from pneumo_core.evaluation.scores import UNLABELLED, Scores
from pneumo_core.evaluation.subgroups import with_series
from pneumo_core.metrics import (
    Curve,
    Draws,
    Estimate,
    Evaluation,
    ReliabilityBin,
    at_threshold,
    average_precision,
    brier_estimate,
    draws_of,
    evaluate,
    precision_recall_curve,
    predictive_estimates,
    reliability,
    roc_curve,
)

__all__ = ["CELL_OF", "Study", "point_on", "worst_first"]

CELL_OF = {(NORMAL, 0): "tn", (NORMAL, 1): "fp", (PNEUMONIA, 0): "fn", (PNEUMONIA, 1): "tp"}
"""The confusion matrix cell of each pair of label and prediction."""


@dataclass(frozen=True, eq=False)
class Study:
    """The labelled X-rays of a scores table, and their metrics.

    ``table`` has the columns of ``scores`` and ``series``.
    """

    scores: Scores

    @cached_property
    def table(self) -> pd.DataFrame:
        """The labelled X-rays, numbered from 0."""
        return with_series(self.scores.labelled)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """int64 (N,)."""
        return self.table["label"].to_numpy(np.int64)

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """float64 (N,) in [0, 1]."""
        return self.table["probability"].to_numpy(np.float64)

    @property
    def both_classes(self) -> bool:
        """Whether both classes are present."""
        return len(self.scores.classes) == 2

    @cached_property
    def draws(self) -> Draws:
        """Bootstrap draws of its patients, for intervals without a formula."""
        return draws_of(self.table["patient"].to_numpy(str))

    @cached_property
    def _base(self) -> Evaluation:
        patients = self.table["patient"].to_numpy(str)
        return evaluate(self.labels, self.probabilities, 0.5, patients, resampling=self.draws)

    @cached_property
    def brier(self) -> Estimate:
        """Brier score."""
        return brier_estimate(self.labels, self.probabilities, self.draws)

    @cached_property
    def average_precision(self) -> float:
        """Area under the precision-recall curve, stepwise; NaN without PNEUMONIA."""
        return average_precision(self.labels, self.probabilities)

    @cached_property
    def roc(self) -> Curve | None:
        """The ROC curve; None with one class only."""
        return roc_curve(self.labels, self.probabilities) if self.both_classes else None

    @cached_property
    def precision_recall(self) -> Curve | None:
        """The precision-recall curve; None with one class only."""
        both = self.both_classes
        return precision_recall_curve(self.labels, self.probabilities) if both else None

    @cached_property
    def reliability(self) -> list[ReliabilityBin]:
        """The reliability diagram's points."""
        return reliability(self.labels, self.probabilities)

    def at(self, threshold: float) -> Evaluation:
        """Return every metric at a threshold: the values of ``metrics.evaluate``, but faster."""
        return at_threshold(self._base, self.labels, self.probabilities, threshold, self.draws)

    def predictive_values(self, threshold: float, prevalence: float) -> tuple[Estimate, Estimate]:
        """Return PPV and NPV at a ``prevalence`` in (0, 1)."""
        return predictive_estimates(
            self.labels, self.probabilities, threshold, prevalence, self.draws
        )

    def predictions(self, threshold: float) -> pd.DataFrame:
        """Return the table with ``predicted`` (0, 1) and ``cell`` ("tn", "fp", "fn", "tp")."""
        predicted = (self.probabilities >= threshold).astype(np.int64)
        pairs = zip(self.labels.tolist(), predicted.tolist(), strict=True)
        return self.table.assign(predicted=predicted, cell=[CELL_OF[pair] for pair in pairs])

    def ids_at(self, curve: Curve) -> NDArray[np.object_]:
        """Return an X-ray with the probability of each point of a curve: its id, "" for none."""
        film_of = dict(zip(self.probabilities.tolist(), self.table["id"], strict=True))
        return np.array([film_of.get(t, "") for t in curve.thresholds.tolist()], dtype=object)

    def rows_of(self, ids: Iterable[str]) -> NDArray[np.bool_]:
        """Return a mask (N,) of the X-rays with these ids."""
        return self.table["id"].isin(list(ids)).to_numpy()


def worst_first(table: pd.DataFrame) -> pd.DataFrame:
    """Sort X-rays by the difference between probability and label, largest first.

    Without labels, by probability, highest first.
    """
    label = table["label"].where(table["label"] != UNLABELLED, NORMAL)
    far = (table["probability"].astype(float) - label).abs()
    order = np.lexsort((table["id"].to_numpy(str), -far.to_numpy()))
    return table.iloc[order].reset_index(drop=True)


def point_on(curve: Curve | None, threshold: float) -> tuple[float, float] | None:
    """Return a threshold's point on a curve; None without one, or if no X-ray reaches it."""
    if curve is None:
        return None
    reached = curve.thresholds >= threshold
    row = int(np.flatnonzero(reached)[-1]) if reached.any() else -1
    if row < 0 or math.isnan(curve.y[row]):
        return None
    return float(curve.x[row]), float(curve.y[row])
