"""Projections of features (N, D) to two or three dimensions, and their quality."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pneumo_core.core.progress import Progress
from pneumo_core.embeddings.components import Floats, Reduced, evenly, principal_components
from pneumo_core.embeddings.features import Features
from pneumo_core.embeddings.tsne import Settings, draw_tsne
from pneumo_core.errors import PneumoError

__all__ = [
    "MIN_IMAGES",
    "PROJECTIONS",
    "Merit",
    "Projection",
    "as_table",
    "installed_projections",
    "merit",
    "project",
]

Method: TypeAlias = Literal["pca", "tsne", "umap"]

PROJECTIONS: dict[str, str] = {"tsne": "t-SNE", "pca": "PCA", "umap": "UMAP"}
"""Projection methods by name, with their titles."""
_NEEDS = {"umap": "umap"}
"""The module of a projection that is installed apart."""

MIN_IMAGES = 10
"""The fewest X-rays for a map."""

_NEIGHBOURS = 10
_MOST_JUDGED = 2000
_MOST_COMPARED = 5000


@dataclass(frozen=True, eq=False)
class Projection:
    """A map of X-rays.

    ``points`` float32 (N, 2 or 3); ``explained`` (2 or 3,): the share of the variance along each
    axis, empty except for PCA. ``place`` maps other X-rays' features (n, D) to float32 (n, 2 or 3):
    exactly for PCA, approximately for t-SNE; an X-ray of the map keeps its position.
    """

    method: str
    points: Floats
    explained: tuple[float, ...]
    place: Callable[[Floats], Floats]


@dataclass(frozen=True)
class Merit:
    """The quality of a map, or of the features behind it.

    ``silhouette`` of the labels in [-1, 1] (Rousseeuw 1987, doi 10.1016/0377-0427(87)90125-7);
    ``purity``: mean share of an X-ray's ten nearest X-rays that have its label, in [0, 1];
    ``trustworthiness`` in [0, 1]: how far neighbours on the map are neighbours in the features
    (Venna and Kaski 2001, doi 10.1007/3-540-44668-0_68). NaN where there are too few X-rays.
    """

    silhouette: float
    purity: float
    trustworthiness: float


def installed_projections() -> dict[str, str]:
    """Return those of ``PROJECTIONS`` whose libraries are installed."""
    return {
        method: title
        for method, title in PROJECTIONS.items()
        if method not in _NEEDS or find_spec(_NEEDS[method]) is not None
    }


def project(
    features: Floats,
    method: str = "tsne",
    *,
    dimensions: int = 2,
    perplexity: float = 40.0,
    iterations: int = 500,
    seed: int = 0,
    start: Floats | None = None,
    progress: Progress | None = None,
) -> Projection:
    """Project features (N, D) to a map; the same features and settings give the same map.

    PCA is scikit-learn's, learned from at most 50,000 X-rays. t-SNE is openTSNE's (Poličar et al.
    2024, doi 10.18637/jss.v109.i03), from 50 principal components and initialised with the first
    ones, so that the global structure is meaningful (Kobak and Berens 2019, doi
    10.1038/s41467-019-13056-x). Above 20,000 X-rays, it positions a random 20,000, and the others
    are placed among these. ``perplexity`` is limited to a third of the X-rays. ``iterations`` is a
    maximum: t-SNE stops when fifty of them improve the Kullback-Leibler divergence by less than
    1.5 %. ``start`` (N, 2 or 3), a map of the same X-rays by similar features, initialises t-SNE so
    that neighbours stay close. ``progress`` counts iterations; raising from it stops the work.
    Raises PneumoError for too few X-rays, copies of a few X-rays, an unknown method, or UMAP if it
    isn't installed.
    """
    if len(features) < MIN_IMAGES:
        raise PneumoError(
            f"{len(features)} X-rays are too few for a map. Use at least {MIN_IMAGES}."
        )
    if method not in PROJECTIONS or dimensions not in (2, 3):
        raise PneumoError(
            f"Unknown projection '{method}' in {dimensions} dimensions. Use pca or tsne."
        )
    values = np.ascontiguousarray(features, dtype=np.float32)
    _check_differ(values, dimensions)
    if method == "pca":
        drawn = _pca(values, dimensions, seed)
    elif method == "umap":
        drawn = _umap(Reduced.of(values, seed), dimensions, perplexity, seed)
    else:
        settings = Settings(dimensions, perplexity, iterations, seed, start)
        points, place = draw_tsne(Reduced.of(values, seed), settings, progress)
        drawn = Projection(method, points, (), place)
    if not np.isfinite(drawn.points).all():
        raise PneumoError(
            f"{PROJECTIONS[method]} can't map these X-rays: their features hardly differ. "
            "Choose more X-rays, another layer or another method."
        )
    return drawn


def _check_differ(values: Floats, dimensions: int) -> None:
    """Raise PneumoError if the features (N, D) are not finite, or those of a few X-rays only."""
    if not np.isfinite(values).all():
        raise PneumoError(
            "Some features are not numbers (NaN or infinity), so no map can be drawn. Choose "
            "another layer, or train the model again."
        )
    least = dimensions + 2
    grain = max(float(np.abs(values).max()), 1e-12) * 1e-4  # batches round differently
    rows = evenly(len(values), _MOST_COMPARED)
    if _different(values[rows], grain) >= least:
        return
    differ = _different(values, grain)
    if differ < least:
        raise PneumoError(
            f"These {len(values)} X-rays have only {differ} different feature vectors, so most "
            f"are copies. Choose X-rays of which at least {least} differ."
        )


def _different(values: Floats, grain: float) -> int:
    return len(np.unique(np.rint(values / grain), axis=0))


def as_table(features: Features, projection: Projection) -> pd.DataFrame:
    """Return the map as a table: the features' columns, and x, y (and z)."""
    axes = dict(zip("xyz", projection.points.T, strict=False))
    return features.table.assign(**axes)


def merit(points: Floats, labels: NDArray[np.int64], features: Floats | None = None) -> Merit:
    """Return the quality of points (N, d) for their labels (N,) and source ``features`` (N, D).

    Silhouette and trustworthiness use at most 2,000 X-rays, evenly chosen.
    """
    from sklearn.manifold import trustworthiness
    from sklearn.metrics import silhouette_score

    rows = evenly(len(points), _MOST_JUDGED)
    few, of = points[rows], labels[rows]
    counts = np.unique(of, return_counts=True)[1]
    apart = len(counts) > 1 and counts.min() > 1
    enough = features is not None and len(rows) > 2 * _NEIGHBOURS
    return Merit(
        float(silhouette_score(few, of)) if apart else float("nan"),
        neighbour_purity(points, labels),
        float(trustworthiness(features[rows], few, n_neighbors=_NEIGHBOURS))
        if enough and features is not None
        else float("nan"),
    )


def neighbour_purity(points: Floats, labels: NDArray[np.int64]) -> float:
    """Return the mean share of an X-ray's ten nearest neighbours with its label.

    Computed for at most 2,000 X-rays, evenly chosen, against all. NaN for too few X-rays.
    """
    from sklearn.neighbors import NearestNeighbors

    if len(points) <= _NEIGHBOURS:
        return float("nan")
    asked = evenly(len(points), _MOST_JUDGED)
    fitted = NearestNeighbors(n_neighbors=_NEIGHBOURS + 1).fit(points)
    near = fitted.kneighbors(points[asked], return_distance=False)
    own = near == asked[:, np.newaxis]
    own[~own.any(axis=1), -1] = True  # replace the farthest if copies hide the X-ray itself
    others = near[~own].reshape(len(asked), _NEIGHBOURS)
    return float((labels[others] == labels[asked][:, np.newaxis]).mean())


def _pca(features: Floats, dimensions: int, seed: int) -> Projection:
    fitted = principal_components(features, min(dimensions, *features.shape), seed)
    explained = tuple(float(share) for share in fitted.explained_variance_ratio_)
    points = _as_floats(fitted.transform(features))
    return Projection("pca", points, explained, lambda x: _as_floats(fitted.transform(x)))


def _umap(reduced: Reduced, dimensions: int, neighbours: float, seed: int) -> Projection:
    try:
        import umap
    except ImportError as error:
        raise PneumoError(
            "UMAP is not installed. Install it with: pip install 'pneumo[umap]', or in a clone: "
            "pip install -r requirements-umap.txt. PCA and t-SNE need no installation."
        ) from error
    near = int(min(neighbours, len(reduced.values) - 1))
    fitted = umap.UMAP(n_components=dimensions, n_neighbors=near, random_state=seed, n_jobs=1)
    points = _as_floats(fitted.fit_transform(reduced.values))
    return Projection(
        "umap", points, (), lambda x: _as_floats(fitted.transform(reduced.transform(x)))
    )


def _as_floats(values: Any) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float32)
