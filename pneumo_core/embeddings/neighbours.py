"""Nearest neighbours of an X-ray in a layer's features, and how typical their distance is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pneumo_core.evaluation.study import CELL_OF
from pneumo_core.evaluation.subgroups import with_series

__all__ = ["OUTCOMES", "Neighbours", "nearest", "with_outcome"]

OUTCOMES = {
    "tn": "correctly predicted NORMAL",
    "fp": "false alarm",
    "fn": "missed",
    "tp": "correctly predicted PNEUMONIA",
}
"""Outcome of a prediction, by confusion matrix cell."""

_MOST_ASKED = 500


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest neighbours of one X-ray, and their distances.

    ``rows`` int64 (k,), nearest first, at ``distances`` float32 (k,), Euclidean in the features.
    ``nearer``: the share of the set's X-rays whose nearest neighbour is closer than this one's, in
    [0, 1]; close to 1, the X-ray is unlike the set.
    """

    rows: NDArray[np.int64]
    distances: NDArray[np.float32]
    nearer: float


def nearest(
    values: NDArray[np.float32],
    film: NDArray[np.float32],
    count: int = 8,
    *,
    row: int | None = None,
) -> Neighbours:
    """Return the X-rays (N, D) nearest to one (D,), without its own ``row`` if it is among them."""
    from sklearn.neighbors import NearestNeighbors

    fitted = NearestNeighbors().fit(values)
    most = min(count + (row is not None), len(values))
    far, rows = (each[0] for each in fitted.kneighbors(film[np.newaxis], n_neighbors=most))
    kept = rows != row if row is not None else np.ones(len(rows), bool)
    rows, far = rows[kept][:count], far[kept][:count].astype(np.float32)
    asked = values[np.unique(np.linspace(0, len(values) - 1, _MOST_ASKED).astype(int))]
    own = fitted.kneighbors(asked, n_neighbors=min(2, len(values)))[0][:, -1]
    return Neighbours(rows, far, float((own < far[0]).mean()) if len(far) else float("nan"))


def with_outcome(table: pd.DataFrame, threshold: float) -> pd.DataFrame:
    """Return the table with its series, and predictions with their outcomes where possible.

    Columns added: series; ``predicted`` and ``outcome``, words, where probability and label are
    known. The label becomes a word, "" if it is unknown.
    """
    words = table["label"].map({0: "NORMAL", 1: "PNEUMONIA"}).fillna("")
    described = with_series(table).assign(label=words)
    if "probability" not in table:
        return described
    predicted = (table["probability"] >= threshold).astype(int)
    cells = zip(table["label"].tolist(), predicted.tolist(), strict=True)
    return described.assign(
        predicted=predicted.map({0: "NORMAL", 1: "PNEUMONIA"}),
        outcome=[OUTCOMES[CELL_OF[pair]] if pair in CELL_OF else "" for pair in cells],
    )
