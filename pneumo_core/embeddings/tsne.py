"""t-SNE by openTSNE, with landmarks where there are many X-rays."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumo_core.core.log_levels import log_level
from pneumo_core.core.progress import Progress
from pneumo_core.embeddings.components import Floats, Reduced

__all__ = ["LANDMARKS", "Settings", "draw_tsne"]

LANDMARKS = 20_000
"""X-rays that t-SNE itself positions; where there are more, the others are placed among these."""
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
_NEAREST = 10
_BLOCK = 10_000
_STEPS = 100
"""Steps of progress while X-rays are placed among landmarks, beside those of t-SNE."""


@dataclass(frozen=True, eq=False)
class Settings:
    """Settings of ``embeddings.project``, which explains them."""

    dimensions: int
    perplexity: float
    iterations: int
    seed: int
    start: Floats | None


def draw_tsne(
    reduced: Reduced, settings: Settings, progress: Progress | None
) -> tuple[Floats, Callable[[Floats], Floats]]:
    """Return the map, float32 (N, 2 or 3), and the placing of other X-rays' features (n, D) on it.

    Above 20,000 X-rays, t-SNE positions a random 20,000, the landmarks. Each of the others is
    placed among the ten landmarks nearest to it, which takes time in proportion to their number
    (Kobak and Berens 2019, doi 10.1038/s41467-019-13056-x, do so with medians).
    """
    if len(reduced.values) <= LANDMARKS or settings.start is not None:
        return _optimised(reduced, settings, progress)
    chosen = np.random.default_rng(settings.seed).permutation(len(reduced.values))[:LANDMARKS]
    total = _EARLY + settings.iterations

    def early(done: int, of: int) -> None:
        if progress:
            progress(int(done / of * total), total + _STEPS)

    def late(done: int, of: int) -> None:
        if progress:
            progress(total + int(done / of * _STEPS), total + _STEPS)

    few = Reduced(reduced.values[chosen], reduced.transform)
    landmarks, place = _optimised(few, settings, early)
    points = np.concatenate([*_placed(reduced.values, few.values, landmarks, late)])
    points[chosen] = landmarks
    return points, place


def _placed(values: Floats, known: Floats, points: Floats, progress: Progress) -> Iterator[Floats]:
    """Yield, block by block, the mean position of the known X-rays nearest to each.

    They are weighted by one over the squared distance, so that no two X-rays land on one place
    unless their features are the same.
    """
    from sklearn.neighbors import NearestNeighbors

    fitted = NearestNeighbors(n_neighbors=_NEAREST, algorithm="brute").fit(known)
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        far, near = fitted.kneighbors(block)
        weights = 1 / np.maximum(far, 1e-6) ** 2
        weights /= weights.sum(axis=1, keepdims=True)
        yield np.einsum("ij,ijk->ik", weights, points[near]).astype(np.float32)
        progress(start + len(block), len(values))


# openTSNE warns of every initialisation with a large spread, which a given map has on purpose.
@log_level("openTSNE", logging.ERROR)
def _optimised(
    reduced: Reduced, settings: Settings, progress: Progress | None
) -> tuple[Floats, Callable[[Floats], Floats]]:
    from openTSNE import TSNE

    start = settings.start
    early = _EARLY if start is None else 0
    watch = _Iterations(early + settings.iterations, progress)
    drawer = TSNE(
        n_components=settings.dimensions,
        perplexity=min(settings.perplexity, (len(reduced.values) - 1) / 3),
        initialization="pca" if start is None else start.astype(np.float64),
        neighbors="exact" if len(reduced.values) <= _EXACTLY else "auto",
        negative_gradient_method="bh" if settings.dimensions == 3 else "auto",
        n_jobs=1 if len(reduced.values) <= _ALONE else -1,
        random_state=settings.seed,
        callbacks=watch,
        callbacks_every_iters=_EVERY,
    )
    fitted = drawer.prepare_initial(reduced.values)
    fitted = fitted.optimize(early, exaggeration=drawer.early_exaggeration, momentum=0.5)
    watch.before = early
    fitted = fitted.optimize(settings.iterations, momentum=0.8)
    watch.end()

    points = np.ascontiguousarray(fitted, dtype=np.float32)

    @log_level("openTSNE", logging.ERROR)
    def place(features: Floats) -> Floats:
        others = reduced.transform(features)
        placed = np.asarray(fitted.transform(others, perplexity=5, n_iter=100), dtype=np.float32)
        known, row = _same_film(reduced.values, others)
        placed[known] = points[row[known]]
        return placed

    return points, place


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
