"""How long t-SNE takes, as Pneumo draws it, against scikit-learn's on the same input.

    python benchmarks/tsne.py [--model NAME] [--films N] [--runs R]

Input: the penultimate features of every film of the dataset (PNEUMO_DATA); without one those that
come with the checkpoint, repeated with a little noise up to 5,840 rows. Both are given the same 50
principal components, perplexity, seed, number of iterations and cores, and are started from the
first two components. They take turns; the figures are medians. The maps' worth stands beside them:
a faster map that is worse is no gain.
"""

import argparse
import os
import statistics
import time
import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.core.settings import settings
from pneumo_core.embeddings import features_of, merit, project
from pneumo_core.inference import dataset_for

Floats = NDArray[np.float32]

PERPLEXITY, ITERATIONS, EARLY = 40.0, 500, 250
ROWS = 5840


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=None)
    parser.add_argument("--films", type=int, default=ROWS)
    parser.add_argument("--runs", type=int, default=1)
    given = parser.parse_args()
    checkpoint = load_checkpoint(given.model)
    values, labels, source = features(checkpoint)
    rows = np.linspace(0, len(values) - 1, min(given.films, len(values))).astype(int)
    values, labels = values[rows], labels[rows]
    cores = len(os.sched_getaffinity(0))
    print(f"{checkpoint.name}: {len(values)} × {values.shape[1]}, {source}; {cores} cores")
    ways = {"Pneumo (openTSNE)": ours, "scikit-learn": theirs}
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(given.runs):
        for name, draw in ways.items():
            started = time.perf_counter()
            points = draw(values)
            took[name].append(time.perf_counter() - started)
            worth = merit(points, labels, values)
            print(
                f"{name:18} {took[name][-1]:6.1f} s  purity {worth.purity:.3f}  silhouette "
                f"{worth.silhouette:.3f}  trustworthiness {worth.trustworthiness:.4f}",
                flush=True,
            )
    first, second = (statistics.median(each) for each in took.values())
    print(f"ratio of the medians {first / second:.2f} (to reach: at most 0.6)")


def features(checkpoint: Checkpoint) -> tuple[Floats, NDArray[np.int64], str]:
    """Features (N, D), labels (N,), and where they are from."""
    data = settings().data
    if data is not None:
        found = features_of(checkpoint, dataset_for(checkpoint, data))
        return found.values, found.table["label"].to_numpy(np.int64), "X-rays of the dataset"
    return *repeated(checkpoint, ROWS), "shipped features repeated with noise"


def repeated(checkpoint: Checkpoint, rows: int) -> tuple[Floats, NDArray[np.int64]]:
    """Features (rows, D) and labels (rows,): a checkpoint's own with a little noise."""
    values, labels = checkpoint.features, checkpoint.scores["label"].to_numpy(np.int64)
    which = np.arange(rows) % len(values)
    noise = np.random.default_rng(0).normal(0, 0.1, (rows, values.shape[1]))
    noisy = values[which] + noise * values.std(axis=0)
    return noisy.astype(np.float32), labels[which]


def ours(values: Floats) -> Floats:
    """As the page and ``pneumo embed`` draw it."""
    return project(values, "tsne", perplexity=PERPLEXITY, iterations=ITERATIONS).points


def theirs(values: Floats) -> Floats:
    """scikit-learn's with the same settings, which are its own defaults but for perplexity."""
    reduced = PCA(50, random_state=0).fit_transform(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = TSNE(
            perplexity=PERPLEXITY,
            max_iter=EARLY + ITERATIONS,
            init="pca",
            random_state=0,
            n_jobs=-1,
        ).fit_transform(reduced)
    return np.asarray(drawn, dtype=np.float32)


if __name__ == "__main__":
    main()
