"""Projections of features (N, D) to two or three dimensions, and their quality."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pneumo_core.core.log_levels import log_level
from pneumo_core.core.progress import Progress
from pneumo_core.embeddings.features import Features
from pneumo_core.errors import PneumoError

__all__ = [
    "MIN_IMAGES",
    "PROJECTIONS",
    "Merit",
    "Projection",
    "as_table",
    "installed_projections",
    "merit",
    "principal_components",
    "project",
]

Floats: TypeAlias = NDArray[np.float32]
Method: TypeAlias = Literal["pca", "tsne", "umap"]

PROJECTIONS: dict[str, str] = {"tsne": "t-SNE", "pca": "PCA", "umap": "UMAP"}
"""Projection methods by name, with their titles."""
_NEEDS = {"umap": "umap"}
"""The module of a projection that is installed apart."""

MIN_IMAGES = 10
"""The fewest X-rays for a map."""

_BEFORE = 50
"""Principal components used by t-SNE and UMAP: more is mostly noise, and slow."""
_EARLY = 250
"""Iterations of early exaggeration, which a given starting map replaces."""
_ALONE = 2000
"""X-rays up to which one thread is faster than several: on two busy cores 624 X-rays took 1.6 s
with one thread and 19 s with two."""
_EXACTLY = 10_000
"""X-rays up to which exact nearest neighbours are faster than building Annoy's index."""
_EVERY, _SETTLED = 10, 0.015
"""Iterations between two checks, and the relative improvement of fifty below which t-SNE stops.
With these, 5,840 X-rays reach a lower divergence than in scikit-learn's 750 iterations."""
_NEIGHBOURS = 10
_MOST_JUDGED = 2000


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

    PCA is scikit-learn's. t-SNE is openTSNE's (Poličar et al. 2024, doi 10.18637/jss.v109.i03),
    from 50 principal components and initialised with the first ones, so that the global structure
    is meaningful (Kobak and Berens 2019, doi 10.1038/s41467-019-13056-x). ``perplexity`` is limited
    to a third of the X-rays. ``iterations`` is a maximum: t-SNE stops when fifty of them improve
    the Kullback-Leibler divergence by less than 1.5 %. ``start`` (N, 2 or 3), a map of the same
    X-rays by similar features, initialises t-SNE so that neighbours stay close. ``progress`` counts
    iterations; raising from it stops the work. Raises PneumoError for too few X-rays, copies of a
    few X-rays, an unknown method, or UMAP if it isn't installed.
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
        drawn = _umap(_Reduced.of(values, seed), dimensions, perplexity, seed)
    else:
        reduced = _Reduced.of(values, seed)
        drawn = _tsne(reduced, dimensions, perplexity, iterations, seed, start, progress)
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
    differ = len(np.unique(np.rint(values / grain), axis=0))
    if differ < least:
        raise PneumoError(
            f"These {len(values)} X-rays have only {differ} different feature vectors, so most "
            f"are copies. Choose X-rays of which at least {least} differ."
        )


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

    rows = _evenly(len(points))
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
    asked = _evenly(len(points))
    fitted = NearestNeighbors(n_neighbors=_NEIGHBOURS + 1).fit(points)
    near = fitted.kneighbors(points[asked], return_distance=False)
    own = near == asked[:, np.newaxis]
    own[~own.any(axis=1), -1] = True  # replace the farthest if copies hide the X-ray itself
    others = near[~own].reshape(len(asked), _NEIGHBOURS)
    return float((labels[others] == labels[asked][:, np.newaxis]).mean())


def _evenly(films: int) -> NDArray[np.int64]:
    """Return the rows of at most 2,000 of so many X-rays, evenly chosen."""
    rows = np.linspace(0, films - 1, min(films, _MOST_JUDGED))
    return np.unique(rows.astype(np.int64))


@dataclass(frozen=True, eq=False)
class _Reduced:
    """Principal components of the features, as input of t-SNE or UMAP, and how to add X-rays."""

    values: Floats
    transform: Callable[[Floats], Floats]

    @classmethod
    def of(cls, features: Floats, seed: int) -> "_Reduced":
        fitted = principal_components(features, min(_BEFORE, *features.shape), seed)
        return cls(
            _as_floats(fitted.transform(features)), lambda x: _as_floats(fitted.transform(x))
        )


def _pca(features: Floats, dimensions: int, seed: int) -> Projection:
    fitted = principal_components(features, min(dimensions, *features.shape), seed)
    explained = tuple(float(share) for share in fitted.explained_variance_ratio_)
    points = _as_floats(fitted.transform(features))
    return Projection("pca", points, explained, lambda x: _as_floats(fitted.transform(x)))


def principal_components(features: Floats, components: int, seed: int) -> Any:
    """Fit scikit-learn's PCA, which chooses its solver by the shape."""
    from sklearn.decomposition import PCA

    return PCA(components, random_state=seed).fit(features)


# openTSNE warns of every initialisation with a large spread, which a given map has on purpose.
@log_level("openTSNE", logging.ERROR)
def _tsne(
    reduced: _Reduced,
    dimensions: int,
    perplexity: float,
    iterations: int,
    seed: int,
    start: Floats | None,
    progress: Progress | None,
) -> Projection:
    from openTSNE import TSNE

    early = _EARLY if start is None else 0
    watch = _Iterations(early + iterations, progress)
    drawer = TSNE(
        n_components=dimensions,
        perplexity=min(perplexity, (len(reduced.values) - 1) / 3),
        initialization="pca" if start is None else start.astype(np.float64),
        neighbors="exact" if len(reduced.values) <= _EXACTLY else "auto",
        negative_gradient_method="bh" if dimensions == 3 else "auto",
        n_jobs=1 if len(reduced.values) <= _ALONE else -1,
        random_state=seed,
        callbacks=watch,
        callbacks_every_iters=_EVERY,
    )
    fitted = drawer.prepare_initial(reduced.values)
    fitted = fitted.optimize(early, exaggeration=drawer.early_exaggeration, momentum=0.5)
    watch.before = early
    fitted = fitted.optimize(iterations, momentum=0.8)
    watch.end()

    points = _as_floats(np.asarray(fitted))

    @log_level("openTSNE", logging.ERROR)
    def place(features: Floats) -> Floats:
        others = reduced.transform(features)
        placed = _as_floats(np.asarray(fitted.transform(others, perplexity=5, n_iter=100)))
        known, row = _same_film(reduced.values, others)
        placed[known] = points[row[known]]
        return placed

    return Projection("tsne", points, (), place)


def _same_film(known: Floats, others: Floats) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which of the others (n, d) are among the known (N, d), and in which rows.

    Distances of cached features, in float16, have an error of a thousandth of their spread.
    """
    from sklearn.neighbors import NearestNeighbors

    far, row = NearestNeighbors(n_neighbors=1).fit(known).kneighbors(others)
    return far[:, 0] < 5e-3 * float(np.linalg.norm(known.std(axis=0))), row[:, 0]


class _Iterations:
    """openTSNE callback that reports progress and stops a phase once the map has converged.

    openTSNE counts each of its two phases from the start."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total, self.progress = total, progress
        self.before = 0
        self.divergences: list[float] = []

    def optimization_about_to_start(self) -> None:
        """Start counting a phase."""
        self.divergences = []

    def __call__(self, iteration: int, divergence: float, _embedding: object) -> bool:
        """Report progress and return whether to stop."""
        if self.progress:
            self.progress(min(self.total, self.before + iteration), self.total)
        self.divergences.append(divergence)
        return self._has_converged()

    def end(self) -> None:
        """Report completion, whatever number of iterations it took, and nothing afterwards.

        openTSNE calls this again when X-rays are placed on the map, whose bar is gone by then.
        """
        if self.progress:
            self.progress(self.total, self.total)
        self.progress = None

    def _has_converged(self) -> bool:
        fifty = 50 // _EVERY
        if len(self.divergences) <= fifty:
            return False
        earlier, now = self.divergences[-1 - fifty], self.divergences[-1]
        return 0 <= earlier - now < _SETTLED * earlier


def _umap(reduced: _Reduced, dimensions: int, neighbours: float, seed: int) -> Projection:
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
