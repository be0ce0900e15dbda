"""Which films lie near a film, in a layer's features, and how far that is for this set."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pneumo_core.evaluation.study import CELL_OF
from pneumo_core.evaluation.subgroups import with_series

__all__ = ["OUTCOMES", "Neighbours", "nearest", "with_outcome"]

OUTCOMES = {
    "tn": "rightly predicted NORMAL",
    "fp": "false alarm",
    "fn": "missed",
    "tp": "rightly predicted PNEUMONIA",
}
"""What a prediction turned out to be, by the confusion matrix's cell."""

_MOST_ASKED = 500


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The films nearest to one, and how far they are.

    ``rows`` int64 (k,), the nearest first, at ``distances`` float32 (k,), Euclidean in the
    features. ``nearer``: the share of the set's own films whose nearest neighbour is nearer than
    this one's, in [0, 1]; close to 1, the film is unlike the set.
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
    """The films (N, D) nearest to one (D,); ``row``: its own, if it is one of them, is left out."""
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
    """The table with series, and where there are probabilities with what came of its
    predictions.

    Columns added: series; ``predicted`` and ``outcome``, words, where probability and label are
    known.
    """
    told = with_series(table).assign(label=table["label"].map({0: "NORMAL", 1: "PNEUMONIA"}))
    if "probability" not in table:
        return told
    predicted = (table["probability"] >= threshold).astype(int)
    cells = zip(table["label"].tolist(), predicted.tolist(), strict=True)
    return told.assign(
        predicted=predicted.map({0: "NORMAL", 1: "PNEUMONIA"}),
        outcome=[OUTCOMES[CELL_OF[pair]] if pair in CELL_OF else "" for pair in cells],
    )
