"""Maps of films: features (N, D) brought to two or three dimensions, and what a map is worth."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pneumo_core.core.log_levels import log_level
from pneumo_core.core.progress import Progress
from pneumo_core.embeddings.features import Features
from pneumo_core.errors import PneumoError

__all__ = [
    "LEAST_FILMS",
    "PROJECTIONS",
    "Merit",
    "Projection",
    "as_table",
    "merit",
    "principal_components",
    "project",
]

Floats: TypeAlias = NDArray[np.float32]
Method: TypeAlias = Literal["pca", "tsne", "umap"]

PROJECTIONS: dict[str, str] = {"tsne": "t-SNE", "pca": "PCA", "umap": "UMAP"}
"""Ways to draw a map, by name, with their titles."""

LEAST_FILMS = 10
"""Fewer films than this make no map."""

_BEFORE = 50
"""Principal components that t-SNE and UMAP see: more is mostly noise, and slow."""
_EARLY = 250
"""Iterations that pull near films together before they are spread out; a start has that behind it.
"""
_ALONE = 2000
"""Films up to which one thread draws faster than several that wait for each other: on two busy
cores 624 films took 1.6 s with one thread and 19 s with two."""
_EXACTLY = 10_000
"""Films up to which finding the nearest ones exactly is faster than building Annoy's index."""
_EVERY, _SETTLED = 10, 0.015
"""Iterations between two looks, and the share by which fifty must still improve a map. Where less
is left, 5,840 films have a lower divergence than scikit-learn's 750 iterations give them."""
_NEIGHBOURS = 10
_MOST_JUDGED = 2000


@dataclass(frozen=True, eq=False)
class Projection:
    """A map.

    ``points`` float32 (N, 2 or 3); ``explained`` (2 or 3,): the share of the variance along each
    axis, empty but for PCA. ``place`` puts other films' features (n, D) on the map, float32 (n, 2
    or 3): exactly for PCA, approximately for t-SNE, and a film that is on the map on itself.
    """

    method: str
    points: Floats
    explained: tuple[float, ...]
    place: Callable[[Floats], Floats]


@dataclass(frozen=True)
class Merit:
    """What a map, or the features behind it, is worth.

    ``silhouette`` of the labels in [-1, 1] (Rousseeuw 1987, doi 10.1016/0377-0427(87)90125-7);
    ``purity``: mean share of a film's ten nearest films that have its label, in [0, 1];
    ``trustworthiness`` in [0, 1]: how far neighbours on the map are neighbours in the features
    (Venna and Kaski 2001, doi 10.1007/3-540-44668-0_68). NaN where there is too little to judge.
    """

    silhouette: float
    purity: float
    trustworthiness: float


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
    """A map of features (N, D); the same features and settings give the same map.

    PCA is scikit-learn's. t-SNE is openTSNE's (Poličar et al. 2024, doi 10.18637/jss.v109.i03),
    from 50 principal components and started from the first ones, so that the large structure
    means something (Kobak and Berens 2019, doi 10.1038/s41467-019-13056-x). ``perplexity`` is cut
    down to a third of the films, and ``iterations`` are the most: it ends where fifty of them no
    longer lower the Kullback-Leibler divergence by 1.5 %. t-SNE begins at ``start`` (N, 2 or 3), a
    map of the same films by much the same features, where there is one: near films then stay near.
    ``progress`` counts iterations: raising from it stops the work.
    Raises PneumoError for too few films, films that are all copies of a few, an unknown method, or
    UMAP where it isn't installed.
    """
    if len(features) < LEAST_FILMS:
        raise PneumoError(
            f"{len(features)} films make no map. Choose at least {LEAST_FILMS}, better hundreds."
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
            f"{PROJECTIONS[method]} gives these films no places: their features hardly differ. "
            "Choose more films, another layer or another method."
        )
    return drawn


def _check_differ(values: Floats, dimensions: int) -> None:
    """Raise PneumoError where the features (N, D) are no numbers, or those of a few films only."""
    if not np.isfinite(values).all():
        raise PneumoError(
            "Some features are not numbers (NaN or infinity), so no map can be drawn. Choose "
            "another layer, or train the checkpoint again."
        )
    least = dimensions + 2
    grain = max(float(np.abs(values).max()), 1e-12) * 1e-4  # two batches round the same film apart
    differ = len(np.unique(np.rint(values / grain), axis=0))
    if differ < least:
        raise PneumoError(
            f"These {len(values)} films have {differ} different sets of features: copies of the "
            f"same film make no map. Choose films of which at least {least} differ."
        )


def as_table(features: Features, projection: Projection) -> pd.DataFrame:
    """The map as a table: the features' columns, and x, y (and z)."""
    axes = dict(zip("xyz", projection.points.T, strict=False))
    return features.table.assign(**axes)


def merit(points: Floats, labels: NDArray[np.int64], features: Floats | None = None) -> Merit:
    """What points (N, d) are worth by their labels (N,); against ``features`` (N, D) they show.

    Silhouette and trustworthiness are judged on at most 2,000 films, evenly taken.
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
    """Mean share of a film's ten nearest others that have its label; NaN for too few films.

    At most 2,000 films are asked, evenly taken, about all.
    """
    from sklearn.neighbors import NearestNeighbors

    if len(points) <= _NEIGHBOURS:
        return float("nan")
    asked = _evenly(len(points))
    fitted = NearestNeighbors(n_neighbors=_NEIGHBOURS + 1).fit(points)
    near = fitted.kneighbors(points[asked], return_distance=False)
    own = near == asked[:, np.newaxis]
    own[~own.any(axis=1), -1] = True  # hidden among its copies: the farthest makes room
    others = near[~own].reshape(len(asked), _NEIGHBOURS)
    return float((labels[others] == labels[asked][:, np.newaxis]).mean())


def _evenly(films: int) -> NDArray[np.int64]:
    """Rows of at most 2,000 of so many films."""
    rows = np.linspace(0, films - 1, min(films, _MOST_JUDGED))
    return np.unique(rows.astype(np.int64))


@dataclass(frozen=True, eq=False)
class _Reduced:
    """Features before t-SNE or UMAP: their principal components, and how others get theirs."""

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
    """scikit-learn's PCA, whose solver it chooses by the shape."""
    from sklearn.decomposition import PCA

    return PCA(components, random_state=seed).fit(features)


# It warns of every start that is spread out, which those that are maps themselves are meant to be.
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
    """Which of the others (n, d) are among the known (N, d), and in which rows.

    Distances of kept features, in float16, are off by a thousandth of the features' spread.
    """
    from sklearn.neighbors import NearestNeighbors

    far, row = NearestNeighbors(n_neighbors=1).fit(known).kneighbors(others)
    return far[:, 0] < 5e-3 * float(np.linalg.norm(known.std(axis=0))), row[:, 0]


class _Iterations:
    """Tells progress and ends a phase in which the map has settled; openTSNE counts each of its
    two phases from the start."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total, self.progress = total, progress
        self.before = 0
        self.divergences: list[float] = []

    def optimization_about_to_start(self) -> None:
        """A phase begins."""
        self.divergences = []

    def __call__(self, iteration: int, divergence: float, _embedding: object) -> bool:
        """Some iterations are done; whether they were enough."""
        if self.progress:
            self.progress(min(self.total, self.before + iteration), self.total)
        self.divergences.append(divergence)
        return self._settled()

    def end(self) -> None:
        """The map is drawn, with as few iterations as it took."""
        if self.progress:
            self.progress(self.total, self.total)

    def _settled(self) -> bool:
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
            "UMAP is not installed. Get it with: pip install 'pneumo[umap]', or in a clone: "
            "pip install -r requirements-umap.txt. PCA and t-SNE are there already."
        ) from error
    near = int(min(neighbours, len(reduced.values) - 1))
    fitted = umap.UMAP(n_components=dimensions, n_neighbors=near, random_state=seed, n_jobs=1)
    points = _as_floats(fitted.fit_transform(reduced.values))
    return Projection(
        "umap", points, (), lambda x: _as_floats(fitted.transform(reduced.transform(x)))
    )


def _as_floats(values: Any) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float32)
