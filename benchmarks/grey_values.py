"""How much of a dataset can be told apart without looking at any lung, and what is left then.

    python -m benchmarks.grey_values FOLDER [--model NAME]

Nineteen numbers of a whole film (mean, spread, percentiles, shares of black and white, power in
seven bands of spatial frequency, horizontal against vertical edges) feed a logistic regression.
It is fitted on films of other patients only. The first figure is its area under the ROC curve over
the train and validation films; the others are those of the checkpoint on its validation films: over
all pairs of an ill and a normal film, and over pairs that these numbers can't tell apart.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pneumo_core.checkpoints import load_checkpoint
from pneumo_core.data import PixelStore, open_store
from pneumo_core.metrics import area_under_roc
from pneumo_core.runtime import dataset_for

SIDE = 224
BANDS = np.array([0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.35, 0.5])
ALIKE = 0.5
"""Films whose log odds by grey values differ by less than this count as alike."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default=None)
    given = parser.parse_args()
    checkpoint = load_checkpoint(given.model)
    dataset = dataset_for(checkpoint, given.folder)
    films = dataset.films[dataset.films["split"] != "test"].reset_index(drop=True)
    labels = films["label"].to_numpy(np.int64)
    odds = grey_odds(films, open_store(dataset, SIDE))
    print(f"grey values alone: AUC {_area(labels, odds):.4f} over {len(films)} films")
    scores = checkpoint.scores.set_index("id")["probability"]
    val = (films["split"] == "val").to_numpy()
    p = films.loc[val, "id"].map(scores).to_numpy(np.float64)
    print(f"{checkpoint.name}, validation: AUC {area_under_roc(labels[val], p):.4f}")
    matched, pairs = among_alike(labels[val], p, odds[val])
    print(f"{checkpoint.name}, among films alike by grey values: {matched:.4f} ({pairs} pairs)")


def grey_odds(films: pd.DataFrame, store: PixelStore) -> NDArray[np.float64]:
    """Log odds of pneumonia by grey values alone (N,), each film by a fit without its patient."""
    described = np.stack([describe(store.pixels[row]) for row in store.rows(films["id"])])
    odds: NDArray[np.float64] = cross_val_predict(
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=3000, class_weight="balanced")),
        described,
        films["label"],
        groups=films["patient"],
        cv=GroupKFold(5),
        method="decision_function",
    )
    return odds


def describe(film: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Nineteen numbers of a film uint8 (S, S)."""
    grey = film / 255.0
    window = np.hanning(len(grey))
    power = np.abs(np.fft.fft2((grey - grey.mean()) * np.outer(window, window))) ** 2
    radius = np.hypot(*np.meshgrid(*[np.fft.fftfreq(len(grey))] * 2))
    bands = [
        np.log(power[(radius >= low) & (radius < high)].mean()) for low, high in pairwise(BANDS)
    ]
    edges = [np.abs(np.diff(grey, axis=axis)).mean() for axis in (1, 0)]
    percentiles = np.percentile(grey, [1, 5, 25, 50, 75, 95, 99])
    ends = [(grey < 0.02).mean(), (grey > 0.98).mean()]
    return np.array(
        [grey.mean(), grey.std(), *percentiles, *ends, *bands, np.log(edges[0] / edges[1])]
    )


def among_alike(
    labels: NDArray[np.int64], p: NDArray[np.float64], odds: NDArray[np.float64]
) -> tuple[float, int]:
    """Mean over normal films of the share of ill films alike to them that score higher."""
    ill, normal = labels == 1, labels == 0
    alike = np.abs(odds[normal][:, np.newaxis] - odds[ill]) < ALIKE
    lower, same = (compare(p[normal][:, np.newaxis], p[ill]) for compare in (np.less, np.equal))
    won = (lower + 0.5 * same) * alike
    some = alike.any(axis=1)
    return float((won.sum(axis=1)[some] / alike.sum(axis=1)[some]).mean()), int(alike.sum())


def _area(labels: NDArray[np.int64], odds: NDArray[np.float64]) -> float:
    return area_under_roc(labels, 1 / (1 + np.exp(-odds)))


if __name__ == "__main__":
    main()
