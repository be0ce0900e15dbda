"""Maps of films: PCA, and t-SNE as ``benchmarks/tsne.py`` takes it.

python -m benchmarks --only maps
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from benchmarks import tsne
from benchmarks.row import Row, in_turn
from pneumo_core.checkpoints import load_checkpoint
from pneumo_core.embeddings import merit, project


def rows(home: Path, *, quick: bool) -> list[Row]:
    """PCA of as many X-rays and numbers as CNN_94's last maps of the public set have."""
    random = np.random.default_rng(0)
    films, numbers = (1000, 10584) if quick else (5840, 10584)
    basis = random.standard_normal((60, numbers), np.float32)
    features = random.standard_normal((films, 60), np.float32) @ basis
    features += random.standard_normal(features.shape, np.float32)
    times = in_turn(
        {
            "ours": lambda: project(features, "pca"),
            "peer": lambda: PCA(2, random_state=0).fit_transform(features),
        },
        2 if quick else 3,
        warm=False,
    )
    name = f"PCA of {films:,} × {numbers:,}"
    return [Row(name=name, unit="s", **times, at_most=5.0), _tsne(quick=quick)]


def _tsne(*, quick: bool) -> Row:
    """t-SNE of the default checkpoint's features, as ``benchmarks/tsne.py`` takes it."""
    values, labels, source = tsne.features(load_checkpoint(None))
    values, labels = (each[:: 8 if quick else 1] for each in (values, labels))
    maps = {}

    def draw(name: str, way: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> None:
        maps[name] = way(values)

    works = {
        "ours": lambda: draw("ours", tsne.ours),
        "peer": lambda: draw("scikit-learn's", tsne.theirs),
    }
    times = in_turn(works, 1, warm=False)
    worth = [
        f"{name} purity {merit(points, labels, values).purity:.3f}" for name, points in maps.items()
    ]
    return Row(
        name=f"t-SNE of {len(values):,} × {values.shape[1]}",
        unit="s",
        **times,
        times_peer=1 / 0.6,
        note=f"{source}; {', '.join(worth)}",
    )
