"""Maps of films: PCA here, t-SNE where ``benchmarks/tsne.py`` gives rows.

python -m benchmarks --only maps
"""

import importlib
import importlib.util
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA

from benchmarks.row import Row, in_turn
from pneumo_core.analysis import project


def rows(home: Path, *, quick: bool) -> list[Row]:
    """PCA of as many films and numbers as CNN_94's last maps of the public set have."""
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
    return [Row(name=name, unit="s", **times, at_most=5.0), *_tsne(home, quick=quick)]


def _tsne(home: Path, *, quick: bool) -> list[Row]:
    if importlib.util.find_spec("benchmarks.tsne") is None:
        return []
    module = importlib.import_module("benchmarks.tsne")
    found: list[Row] = module.rows(home, quick=quick) if hasattr(module, "rows") else []
    return found
