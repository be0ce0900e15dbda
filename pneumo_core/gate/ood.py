"""The fitted out-of-distribution model, and its decisions.

An image is described by the network's last maps on a coarse grid, which keeps positions, and by its
thumbnail. Two numbers are computed: the distance to the training X-rays (Mahalanobis distance in
their principal components plus the residual; Lee et al. 2018, arXiv:1807.03888), and the odds of a
small classifier, which was also trained on corrupted X-rays and other images.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.errors import CheckpointError

__all__ = [
    "KINDS",
    "Familiarity",
    "Likeness",
    "Verdicts",
    "describe",
    "describe_cells",
    "open_familiarity",
]

Floats = NDArray[np.float32]
Films = NDArray[np.uint8]

KINDS = ("film", "inverted", "on its side", "upside down", "part", "small", "limb", "picture")
"""Classes of the classifier: an upright frontal chest X-ray; an inverted one; rotated by a quarter
turn; by a half turn; a part of one; one that fills little of the image or shares it with another;
another body part; no radiograph."""

_CLIP = 8.0
THUMBNAIL = 16
"""Side of the thumbnail in pixels."""


@dataclass(frozen=True)
class Likeness:
    """Comparison of one image with the training X-rays.

    ``distance``: to the training X-rays, where 1 is the largest that is accepted; ``doubt``: of the
    classifier, on the same scale; ``unusual``: whether one of them is larger than for nearly all
    validation X-rays; ``kind``: the likeliest of ``KINDS`` if not an X-ray.
    """

    distance: float
    doubt: float
    unusual: bool
    kind: str

    @property
    def strangeness(self) -> float:
        """0 for an ordinary X-ray, above 1 for an image to refuse."""
        return max(self.distance, self.doubt)

    @property
    def familiar(self) -> bool:
        """Whether it may be read."""
        return self.strangeness <= 1


@dataclass(frozen=True, eq=False)
class Verdicts:
    """Numbers for several images: ``distance`` and ``odds`` float32 (N,), ``kinds`` int64 (N,).

    ``distance``: logarithm of the mean squared deviation relative to the training X-rays; ``odds``:
    log odds against an upright X-ray; ``kinds``: the likeliest of KINDS except the first.
    """

    distance: Floats
    odds: Floats
    kinds: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Familiarity:
    """The fitted arrays for one network. C channels, K directions, D numbers an image, P
    components.

    ``channel_mean`` (C,) and ``directions`` (C, K): the principal channels of a grid cell; ``mean``
    and ``spread`` (D,) of the description; ``basis`` (D, P), ``variances`` (P,) and ``rest`` (1,):
    principal components of the training X-rays, their variances, and the residual variance;
    ``hidden`` (D, H), ``weights`` (H, len(KINDS)) and their biases: the classifier, with a ReLU
    between; ``limits`` (2, 3) for distance and odds each: ordinary, unusual, and the largest
    accepted. All float32.
    """

    channel_mean: Floats
    directions: Floats
    mean: Floats
    spread: Floats
    basis: Floats
    variances: Floats
    rest: Floats
    hidden: Floats
    hidden_bias: Floats
    weights: Floats
    bias: Floats
    limits: Floats

    def likeness(self, cells: Floats, films: Films) -> list[Likeness]:
        """Compare images: ``cells`` as in ``inference.Outputs``, ``films`` uint8 (N, S, S)."""
        verdicts = self.verdicts(cells, films)
        measured = (verdicts.distance, verdicts.odds)
        distance, doubt = (
            _between(values, row) for values, row in zip(measured, self.limits, strict=True)
        )
        unusual = np.any(np.stack(measured, axis=1) > self.limits[:, 1], axis=1).tolist()
        return [
            Likeness(float(far), float(doubts), edge, KINDS[kind])
            for far, doubts, edge, kind in zip(
                distance, doubt, unusual, verdicts.kinds, strict=True
            )
        ]

    def verdicts(self, cells: Floats, films: Films) -> Verdicts:
        """Return the numbers behind ``likeness``."""
        described = describe(cells, films, self.channel_mean, self.directions)  # (N, D)
        described = (described - self.mean) / self.spread
        hidden = np.maximum(
            clip_for_classifier(described) @ self.hidden + self.hidden_bias, 0
        )  # (N, H)
        scores = hidden @ self.weights + self.bias  # (N, kinds)
        others = scores[:, 1:]
        top = others.max(axis=1, keepdims=True)
        odds = top[:, 0] + np.log(np.exp(others - top).sum(axis=1)) - scores[:, 0]
        components = described @ self.basis  # (N, P)
        left = np.maximum((described**2).sum(axis=1) - (components**2).sum(axis=1), 0)
        squared = (components**2 / self.variances).mean(axis=1) + left / self.rest
        return Verdicts(
            (0.5 * np.log(squared)).astype(np.float32),
            odds.astype(np.float32),
            others.argmax(axis=1) + 1,
        )

    def arrays(self) -> dict[str, Floats]:
        """Return all arrays by name, for saving."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def open_familiarity(checkpoint: Checkpoint) -> Familiarity | None:
    """Load a checkpoint's fitted model; None if it has none.

    Raises CheckpointError if it is damaged or belongs to other weights.
    """
    arrays = checkpoint.gate
    if arrays is None:
        return None
    try:
        return _check_arrays(arrays)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"The image check of the model '{checkpoint.name}' can't be used: it was fitted by "
            "another version of Pneumo. Fit it again."
        ) from error


def describe(cells: Floats, films: Films, channel_mean: Floats, directions: Floats) -> Floats:
    """Return the descriptions (N, D) of images, not standardised: cells, then thumbnails."""
    return np.hstack([describe_cells(cells, channel_mean, directions), _thumbnails(films)])


def describe_cells(cells: Floats, channel_mean: Floats, directions: Floats) -> Floats:
    """Return each cell's channels (N, C, g, g) projected on the directions, and the residual."""
    n, channels = cells.shape[:2]
    flat = cells.reshape(n, channels, -1).transpose(0, 2, 1) - channel_mean  # (N, cells, C)
    seen = flat @ directions  # (N, cells, K)
    missed = np.maximum((flat**2).sum(axis=2) - (seen**2).sum(axis=2), 0)
    return np.concatenate([seen, np.sqrt(missed)[:, :, None]], axis=2).reshape(n, -1)


def clip_for_classifier(described: Floats) -> Floats:
    """Return standardised descriptions clipped for the classifier, so that no number dominates."""
    return np.clip(described, -_CLIP, _CLIP)


def _thumbnails(films: Films) -> Floats:
    """Return X-rays uint8 (N, S, S) as (N, THUMBNAIL²) in [0, 1], averaged over areas."""
    small = [
        np.asarray(Image.fromarray(film).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))
        for film in films
    ]
    return np.stack(small).reshape(len(films), -1).astype(np.float32) / np.float32(255)


def _between(values: Floats, limits: Floats) -> Floats:
    """Return 0 at an ordinary X-ray's value, 1 at the largest accepted; never below 0."""
    ordinary, _, largest = limits
    scaled: Floats = np.maximum((values - ordinary) / (largest - ordinary), 0).astype(np.float32)
    return scaled


def _check_arrays(arrays: Mapping[str, Floats]) -> Familiarity:
    """Check the arrays. Raises TypeError for wrong names, ValueError for wrong shapes."""
    fitted = Familiarity(**arrays)
    numbers, components = fitted.basis.shape
    fits = (
        fitted.mean.shape == fitted.spread.shape == (numbers,)
        and fitted.variances.shape == (components,)
        and fitted.hidden.shape == (numbers, *fitted.hidden_bias.shape)
        and fitted.weights.shape == (*fitted.hidden_bias.shape, len(KINDS))
        and fitted.bias.shape == (len(KINDS),)
        and fitted.limits.shape == (2, 3)
        and fitted.channel_mean.shape == fitted.directions.shape[:1]
    )
    if not fits or not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("the shapes do not match")
    return fitted
