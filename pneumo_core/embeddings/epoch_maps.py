"""Aligned maps of the same X-rays over the epochs of a training run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

from pneumo_core.core.progress import Progress
from pneumo_core.datasets import Dataset
from pneumo_core.embeddings.components import principal_components
from pneumo_core.embeddings.features import PENULTIMATE, Features, features_by
from pneumo_core.embeddings.projection import Merit, merit, project
from pneumo_core.errors import PneumoError
from pneumo_core.inference import Runtime

__all__ = ["MOST_EPOCHS", "Epoch", "EpochMaps", "align", "evenly", "map_epochs", "mean_step"]

Floats = NDArray[np.float32]

MOST_EPOCHS = 24
"""The most epochs to show; of more, this many are chosen evenly."""

_FIRST, _LATER = 500, 250
"""Iterations of the first t-SNE, and of those that start from the previous epoch's map."""


class Epoch(Protocol):
    """A network at one epoch, such as ``training.KeptEpoch``."""

    @property
    def run(self) -> str:
        """The run's name."""

    @property
    def number(self) -> int:
        """The epoch's number, from 1."""

    @property
    def version(self) -> str:
        """Hex digits that identify its weights."""

    @property
    def validation_auc(self) -> float:
        """Its validation AUC; NaN if unknown."""

    def runtime(self) -> Runtime:
        """Return the network ready for inference."""


@dataclass(frozen=True, eq=False)
class EpochMaps:
    """One map for each of E epochs of the same N X-rays.

    ``table``: the X-rays, with the last epoch's probability; ``points`` float32 (E, N, 2): row i of
    every map is row i of the table; ``explained``: the share of the variance of all epochs along
    each axis, empty except for PCA. ``features``: purity and silhouette of each epoch's features,
    ``maps``: of each map, with its trustworthiness.
    """

    run: str
    method: str
    epochs: tuple[int, ...]
    validation_auc: tuple[float, ...]
    table: pd.DataFrame
    points: Floats
    explained: tuple[float, ...]
    features: tuple[Merit, ...]
    maps: tuple[Merit, ...]
    unreadable: dict[str, str]

    @cached_property
    def figures(self) -> pd.DataFrame:
        """Return one row per epoch: number, validation AUC, and quality of features and map."""
        return pd.DataFrame(
            {
                "epoch": self.epochs,
                "validation_auc": self.validation_auc,
                "purity": [each.purity for each in self.features],
                "silhouette": [each.silhouette for each in self.features],
                "purity_on_map": [each.purity for each in self.maps],
                "silhouette_on_map": [each.silhouette for each in self.maps],
                "trustworthiness": [each.trustworthiness for each in self.maps],
            }
        )

    def as_table(self) -> pd.DataFrame:
        """Return one row per epoch and X-ray: epoch, the X-ray's columns, x and y."""
        parts = [
            self.table.assign(epoch=epoch, x=points[:, 0], y=points[:, 1])
            for epoch, points in zip(self.epochs, self.points, strict=True)
        ]
        return pd.concat(parts, ignore_index=True)


def map_epochs(
    epochs: Sequence[Epoch],
    dataset: Dataset,
    method: str = "tsne",
    *,
    perplexity: float = 40.0,
    seed: int = 0,
    decoding: Progress | None = None,
    looking: Progress | None = None,
    drawing: Progress | None = None,
) -> EpochMaps:
    """Map a dataset's readable X-rays with each epoch's penultimate layer, aligned.

    At most ``MOST_EPOCHS`` are used, evenly chosen, including the first and the last. PCA has one
    set of axes, fitted on all epochs. Each t-SNE starts from the previous epoch's map and is then
    rotated, and mirrored if necessary, to match it; the same seed gives the same maps. Features are
    cached as in ``features_of``. ``looking`` counts X-rays of all epochs, ``drawing`` the work on
    all maps; raising from one stops the work. Raises PneumoError for fewer than two epochs, too few
    X-rays or another method.
    """
    if len(epochs) < 2:
        raise PneumoError("This run saved fewer than two epochs. Train with --keep-epochs.")
    if method not in ("pca", "tsne"):
        raise PneumoError(f"Epochs can't be mapped by '{method}'. Use pca or tsne.")
    shown = evenly(epochs)
    seen = list(_seen(shown, dataset, decoding, looking))
    values = [each.values for each in seen]
    if method == "pca":
        points, explained = _by_components(values, seed)
    else:
        points, explained = _by_neighbours(values, perplexity, seed, _part(drawing, 0, 2)), ()
    labels = seen[-1].table["label"].to_numpy(np.int64)
    features, maps = _rate_maps(values, points, labels, _part(drawing, 1, 2))
    return EpochMaps(
        run=epochs[0].run,
        method=method,
        epochs=tuple(each.number for each in shown),
        validation_auc=tuple(each.validation_auc for each in shown),
        table=seen[-1].table,
        points=points,
        explained=explained,
        features=features,
        maps=maps,
        unreadable=seen[-1].unreadable,
    )


def evenly(epochs: Sequence[Epoch]) -> list[Epoch]:
    """Return at most ``MOST_EPOCHS``, evenly chosen, including the first and the last."""
    rows = np.linspace(0, len(epochs) - 1, min(MOST_EPOCHS, len(epochs)))
    return [epochs[row] for row in np.unique(rows.round().astype(int))]


def align(points: Floats, onto: Floats) -> Floats:
    """Return a map (N, d) moved, rotated and mirrored, but not scaled, to match another.

    Orthogonal Procrustes (Schönemann 1966, doi 10.1007/BF02289451): minimises the sum of squared
    distances between the X-rays' positions on both.
    """
    centre, goal = points.mean(axis=0), onto.mean(axis=0)
    turn, _ = orthogonal_procrustes(points - centre, onto - goal)
    return np.asarray((points - centre) @ turn + goal, dtype=np.float32)


def mean_step(points: Floats) -> float:
    """Return how far an X-ray moves from one map of (E, N, d) to the next, on average.

    In units of the maps' spread, the root mean square distance from their centre.
    """
    spread = np.sqrt(((points - points.mean(axis=1, keepdims=True)) ** 2).sum(axis=2).mean())
    steps = np.linalg.norm(np.diff(points, axis=0), axis=2)
    return float(steps.mean() / spread)


def _seen(
    epochs: Sequence[Epoch], dataset: Dataset, decoding: Progress | None, looking: Progress | None
) -> Iterator[Features]:
    """Yield each epoch's features; progress counts the X-rays of all epochs."""
    for place, epoch in enumerate(epochs):
        yield features_by(
            epoch.runtime,
            dataset,
            PENULTIMATE,
            name=f"{epoch.run}-{epoch.number:04d}",
            version=epoch.version,
            decoding=decoding,
            looking=_part(looking, place, len(epochs)),
        )


def _part(progress: Progress | None, place: int, parts: int) -> Progress | None:
    """Return the progress of one of several equal parts as progress of the whole."""
    if progress is None:
        return None
    report = progress

    def step(done: int, total: int) -> None:
        report(place * total + done, parts * total)

    return step


def _by_components(values: Sequence[Floats], seed: int) -> tuple[Floats, tuple[float, ...]]:
    fitted = principal_components(np.concatenate(values), 2, seed)
    points = np.stack([fitted.transform(each) for each in values])
    return points.astype(np.float32), tuple(float(v) for v in fitted.explained_variance_ratio_)


def _by_neighbours(
    values: Sequence[Floats],
    perplexity: float,
    seed: int,
    progress: Progress | None,
) -> Floats:
    maps: list[Floats] = []
    for place, each in enumerate(values):
        drawn = project(
            each,
            "tsne",
            perplexity=perplexity,
            iterations=_LATER if maps else _FIRST,
            seed=seed,
            start=maps[-1] if maps else None,
            progress=_part(progress, place, len(values)),
        ).points
        maps.append(align(drawn, maps[-1]) if maps else drawn)
    return np.stack(maps)


def _rate_maps(
    values: Sequence[Floats], points: Floats, labels: NDArray[np.int64], progress: Progress | None
) -> tuple[tuple[Merit, ...], tuple[Merit, ...]]:
    """Return the quality of each epoch's features, and of each map."""
    features, maps = [], []
    for done, (each, at) in enumerate(zip(values, points, strict=True), start=1):
        features.append(merit(each, labels))
        maps.append(merit(at, labels, each))
        if progress:
            progress(done, len(values))
    return tuple(features), tuple(maps)
