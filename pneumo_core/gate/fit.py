"""Fit of the out-of-distribution check on training X-rays, with limits from validation X-rays."""

import warnings
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pneumo_core.checkpoints import Checkpoint, add_gate
from pneumo_core.core.parallel import in_order
from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets import Dataset, PixelStore, open_store
from pneumo_core.errors import DatasetError
from pneumo_core.gate.ood import KINDS, Familiarity, Verdicts, clip_for_classifier, describe
from pneumo_core.gate.synthetic_outliers import augmented, outliers_of, synthetic_images
from pneumo_core.imaging import FileFacts, Radiograph
from pneumo_core.inference import Runtime, dataset_for, open_runtime

__all__ = ["MIN_IMAGES", "fit_familiarity", "fit_gate"]

Floats = NDArray[np.float32]
Films = NDArray[np.uint8]

MIN_IMAGES = 100
"""The fewest training or validation X-rays for a fit."""

_SIDE = 224
"""Smallest side of the altered images before they are prepared for the network."""
_TRAIN, _VALIDATION, _MISTAKEN, _DRAWN = 1200, 400, 300, 60
_CELLS, _DIRECTIONS, _COMPONENTS = 8000, 32, 60
_HIDDEN, _PENALTY, _PASSES = 48, 1.0, 40
_UNUSUAL, _LAST, _FIRST_WRONG, _ROOM = 0.97, 0.998, 0.01, 0.25


def fit_gate(
    checkpoint: Checkpoint,
    location: Path,
    *,
    decoding: Progress | None = None,
    looking: Progress | None = None,
) -> Checkpoint:
    """Fit a stored checkpoint's image check on its training dataset, and save it.

    Raises DatasetError if the dataset is another one or too small, CheckpointError.
    """
    dataset = dataset_for(checkpoint, location)
    if dataset.fingerprint != checkpoint.card.dataset.fingerprint:
        raise DatasetError(
            f"'{checkpoint.name}' was trained on other X-rays than those in '{location}'. "
            "Give the dataset it was trained on."
        )
    runtime = open_runtime(checkpoint)
    fitted = fit_familiarity(runtime, dataset, decoding=decoding, looking=looking)
    if fitted is None:
        raise DatasetError(
            f"'{location}' has fewer than {MIN_IMAGES} training or validation X-rays. "
            "The image check needs more. Use a larger dataset."
        )
    return add_gate(checkpoint, fitted.arrays())


def fit_familiarity(
    runtime: Runtime,
    dataset: Dataset,
    store: PixelStore | None = None,
    *,
    decoding: Progress | None = None,
    looking: Progress | None = None,
) -> Familiarity | None:
    """Fit on the features of the runtime's first network; None for too few X-rays.

    ``store``: the whole X-rays, resized to squares, if they are decoded already. Test X-rays are
    not used. The same X-rays and weights give the same fit.
    """
    random = np.random.default_rng(0)
    if store is None:
        side = max(_SIDE, runtime.size) if runtime.input.framing else runtime.size
        store = open_store(dataset, side, progress=decoding)
    side = store.pixels.shape[1]
    runtime = replace(runtime, members=runtime.members[:1])  # the cells come from the first network
    train = _sample(dataset, store, "train", _TRAIN, random)
    val = _sample(dataset, store, "val", _VALIDATION, random)
    if min(len(train), len(val)) < MIN_IMAGES:
        return None
    wrong = [*_mistakes(train[:_MISTAKEN], random), *synthetic_images(_DRAWN, side, random)]
    also_wrong = [
        *_mistakes(val[: _MISTAKEN // 3], random),
        *synthetic_images(_DRAWN // 3, side, random),
    ]
    parts = [
        np.concatenate([train, _disguises(train[: _TRAIN // 2], random)]),
        np.stack([picture for _, picture in wrong]),
        val,
        _disguises(val, random),
        np.stack([picture for _, picture in also_wrong]),
    ]
    films = _as_seen(runtime, np.concatenate(parts))
    cells = runtime.run_rows(films, np.arange(len(films)), looking, cells=True).cells
    ends = np.cumsum([len(part) for part in parts]).tolist()
    kinds = np.array([0] * len(parts[0]) + [KINDS.index(kind) for kind, _ in wrong])
    fitted = _fit_model(cells[: ends[1]], films[: ends[1]], kinds)
    verdicts = [fitted.verdicts(cells[a:b], films[a:b]) for a, b in pairwise(ends[1:])]
    return _with_limits(fitted, *verdicts)


def _sample(
    dataset: Dataset, store: PixelStore, split: str, count: int, random: np.random.Generator
) -> Films:
    """Return up to ``count`` X-rays of a split, regardless of label."""
    table = store.readable(dataset.films[dataset.films["split"] == split])
    ids = random.permutation(table["id"].to_numpy(dtype=object))[:count].tolist()
    return np.asarray(store.pixels[store.rows(ids)])


def _as_seen(runtime: Runtime, images: Films) -> Films:
    """Return the network's input for whole images uint8 (N, S, S)."""

    def see(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        pixels = np.asarray(image / np.float32(255), dtype=np.float32)
        facts = FileFacts("PNG", image.shape[1], image.shape[0], bits=8, colour=False)
        return runtime.input(Radiograph("", pixels, facts))

    return np.stack(list(in_order(see, list(images), settings().threads)))


def _disguises(films: Films, random: np.random.Generator) -> Films:
    return np.stack([augmented(film, random) for film in films])


def _mistakes(films: Films, random: np.random.Generator) -> Iterable[tuple[str, Films]]:
    for number, film in enumerate(films):
        yield from outliers_of(film, films[number - 1], random)


def _fit_model(cells: Floats, films: Films, kinds: NDArray[np.int64]) -> Familiarity:
    """Fit everything except the limits."""
    channel_mean, directions = _directions(cells)
    described = describe(cells, films, channel_mean, directions)
    known = described[kinds == 0]
    mean, spread = known.mean(axis=0), known.std(axis=0)
    spread = np.maximum(spread, np.median(spread) / 5)  # near-constant numbers must not dominate
    described = (described - mean) / spread
    basis, variances, rest = _components(described[kinds == 0])
    hidden, hidden_bias, weights, bias = _classifier(described, kinds)
    limits = np.tile(np.array([0, 0.5, 1], np.float32), (2, 1))
    return Familiarity(
        *(channel_mean, directions, mean, spread, basis, variances, rest),
        *(hidden, hidden_bias, weights, bias, limits),
    )


def _directions(cells: Floats) -> tuple[Floats, Floats]:
    """Return the channels' mean (C,) and principal directions (C, K), over all cells."""
    from sklearn.decomposition import PCA  # takes a second to import

    flat = cells.transpose(0, 2, 3, 1).reshape(-1, cells.shape[1])
    flat = flat[:: max(1, len(flat) // _CELLS)]
    pca = PCA(min(_DIRECTIONS, flat.shape[1]), random_state=0).fit(flat)
    return pca.mean_.astype(np.float32), pca.components_.T.astype(np.float32)


def _components(known: Floats) -> tuple[Floats, Floats, Floats]:
    """Return principal components (D, P), their variances (P,), and the residual variance (1,)."""
    from sklearn.decomposition import PCA

    pca = PCA(min(_COMPONENTS, len(known) // 2), random_state=0).fit(known)
    variances = pca.explained_variance_
    rest = known.var(axis=0).sum() - variances.sum()
    return (
        pca.components_.T.astype(np.float32),
        variances.astype(np.float32),
        np.array([max(rest, 1e-3)], np.float32),
    )


def _classifier(described: Floats, kinds: NDArray[np.int64]) -> tuple[Floats, ...]:
    """Return weights and biases of two layers: a small perceptron over the kinds."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        (_HIDDEN,),
        alpha=_PENALTY,
        max_iter=_PASSES,
        tol=0,
        n_iter_no_change=_PASSES,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the iteration limit is intended
        model.fit(clip_for_classifier(described), kinds)
    (first, second), (bias, second_bias) = model.coefs_, model.intercepts_
    return tuple(each.astype(np.float32) for each in (first, bias, second, second_bias))


def _with_limits(
    fitted: Familiarity, plain: Verdicts, augmented: Verdicts, wrong: Verdicts
) -> Familiarity:
    """Choose limits on validation X-rays: original, augmented and corrupted.

    Few original X-rays are above the limit for unusual. The distance's limit leaves some room
    beyond them, for X-rays from other hospitals. So does the classifier's, as long as almost no
    corrupted image passes.
    """
    limits = np.zeros((2, 3), np.float32)
    pairs = ((plain.distance, augmented.distance), (plain.odds, augmented.odds))
    for row, (values, in_disguise) in enumerate(pairs):
        ordinary, unusual = np.quantile(values, [0.5, _UNUSUAL])
        last = np.quantile(np.concatenate([values, in_disguise]), _LAST)
        largest = last + _ROOM * (last - ordinary)
        if row == 1:
            largest = max(last, min(largest, np.quantile(wrong.odds, _FIRST_WRONG)))
        limits[row] = ordinary, unusual, largest
    return replace(fitted, limits=limits)
