"""Prediction of the label from all properties together."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST", "predict_from_all"]

FEWEST = 10
"""X-rays and patients of each label that a cross-validated classifier needs."""

_FOLDS = 5
_TREES = 100
_LEAF = 5
_MANY = 2000
"""Number of X-rays from which multithreading is worthwhile."""


def predict_from_all(
    values: NDArray[np.float64],
    labels: NDArray[np.int64],
    patients: NDArray[np.str_],
    *,
    threads: int = 1,
) -> NDArray[np.float64] | None:
    """Predict each label from the properties, cross-validated by patient.

    Five folds by patient, a random forest of 100 trees each, seed 0. A forest accepts missing
    values, needs no scaling and finds interactions of properties.

    Args:
        values: float64 (N, P), NaN where a property was not measured.
        labels: int (N,), 0 or 1.
        patients: (N,), the patient of each X-ray.
        threads: number of trees fitted at once.

    Returns:
        float64 (N,) in [0, 1], the share of trees for label 1; None with fewer than ``FEWEST``
        X-rays or patients of a label, or without any property that varies.
    """
    from sklearn.ensemble import RandomForestClassifier  # takes a second to import
    from sklearn.model_selection import StratifiedGroupKFold

    varied = values[:, _varies(values)]
    ill, normal = patients[labels == 1], patients[labels == 0]
    if not varied.shape[1] or min(len(set(ill)), len(set(normal))) < FEWEST:
        return None
    probabilities = np.empty(len(labels))
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0)
    for learned, asked in folds.split(varied, labels, patients):
        forest = RandomForestClassifier(
            _TREES,
            min_samples_leaf=_LEAF,
            class_weight="balanced",
            random_state=0,
            n_jobs=threads if len(labels) > _MANY else 1,
        )
        forest.fit(varied[learned], labels[learned])
        probabilities[asked] = forest.predict_proba(varied[asked])[:, 1]
    return probabilities


def _varies(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which columns (P,) vary; present or missing counts as a difference, too."""
    missing = np.isnan(values)
    low = np.where(missing, np.inf, values).min(axis=0)
    high = np.where(missing, -np.inf, values).max(axis=0)
    some = ~missing.all(axis=0)
    varies: NDArray[np.bool_] = some & ((low < high) | missing.any(axis=0))
    return varies
