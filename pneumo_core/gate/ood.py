"""What was fitted, and how it judges.

A picture is described by the network's last maps on a coarse grid, which keeps what lies where, and
by its own thumbnail. Two things are asked of the description: how far it lies from those of the
training films (Mahalanobis distance in their principal components plus what these leave over; Lee
et al. 2018, arXiv:1807.03888), and what a small classifier takes it for, which has also seen films
shown wrongly and pictures of other things.
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
"""What the classifier tells apart: an upright frontal chest film; one with black and white swapped;
one turned by a quarter; by a half; a piece of one; one that fills little of the picture or shares
it with another; another body part; no radiograph."""

_CLIP = 8.0
THUMBNAIL = 16
"""Side of the thumbnail in pixels."""


@dataclass(frozen=True)
class Likeness:
    """How one picture compares with the training films.

    ``distance``: to them, where 1 is the largest at which a film is read; ``doubt``: of the
    classifier, on the same scale; ``unusual``: whether one of them is larger than for nearly every
    validation film; ``kind``: what it is taken for if not a film, one of ``KINDS``.
    """

    distance: float
    doubt: float
    unusual: bool
    kind: str

    @property
    def strangeness(self) -> float:
        """0 is an ordinary film, above 1 none."""
        return max(self.distance, self.doubt)

    @property
    def familiar(self) -> bool:
        """Whether it may be read."""
        return self.strangeness <= 1


@dataclass(frozen=True, eq=False)
class Verdicts:
    """Row by row of some pictures: ``distance`` and ``odds`` float32 (N,), ``kinds`` int64 (N,).

    ``distance``: mean squared deviation in units of the training films' own, as a logarithm;
    ``odds``: log odds that it is no upright film; ``kinds``: the likeliest of KINDS but the first.
    """

    distance: Floats
    odds: Floats
    kinds: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Familiarity:
    """What was fitted for one network. C channels, K directions, D numbers a picture, P components.

    ``channel_mean`` (C,) and ``directions`` (C, K): the channels that matter in a cell of the grid;
    ``mean`` and ``spread`` (D,) of the description; ``basis`` (D, P), ``variances`` (P,) and
    ``rest`` (1,): the training films' principal components, their variances, and the variance they
    leave; ``hidden`` (D, H), ``weights`` (H, len(KINDS)) and their biases: the classifier, with a
    ReLU between; ``limits`` (2, 3) for distance and odds each: an ordinary film's, the unusual, and
    the largest to be read. All float32.
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
        """How pictures compare: ``cells`` as in ``runtime.Outputs``, ``films`` uint8 (N, S, S)."""
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
        """The bare numbers behind ``likeness``."""
        described = describe(cells, films, self.channel_mean, self.directions)  # (N, D)
        described = (described - self.mean) / self.spread
        hidden = np.maximum(clipped(described) @ self.hidden + self.hidden_bias, 0)  # (N, H)
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
        """Everything by name, to be stored."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def open_familiarity(checkpoint: Checkpoint) -> Familiarity | None:
    """What was fitted for a checkpoint, or None where nothing was.

    Raises CheckpointError where it is damaged or belongs to other weights.
    """
    arrays = checkpoint.gate
    if arrays is None:
        return None
    try:
        return _checked(arrays)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"The gate of the checkpoint '{checkpoint.name}' can't be used: it was fitted by "
            "another version of Pneumo. Fit it again."
        ) from error


def describe(cells: Floats, films: Films, channel_mean: Floats, directions: Floats) -> Floats:
    """Descriptions (N, D) of pictures before they are standardised: cells, then thumbnails."""
    return np.hstack([describe_cells(cells, channel_mean, directions), _thumbnails(films)])


def describe_cells(cells: Floats, channel_mean: Floats, directions: Floats) -> Floats:
    """Each cell's channels (N, C, g, g) seen along the directions, and how much these miss."""
    n, channels = cells.shape[:2]
    flat = cells.reshape(n, channels, -1).transpose(0, 2, 1) - channel_mean  # (N, cells, C)
    seen = flat @ directions  # (N, cells, K)
    missed = np.maximum((flat**2).sum(axis=2) - (seen**2).sum(axis=2), 0)
    return np.concatenate([seen, np.sqrt(missed)[:, :, None]], axis=2).reshape(n, -1)


def clipped(described: Floats) -> Floats:
    """Standardised descriptions as the classifier takes them: no single number decides alone."""
    return np.clip(described, -_CLIP, _CLIP)


def _thumbnails(films: Films) -> Floats:
    """Films uint8 (N, S, S) as (N, THUMBNAIL²) in [0, 1], averaged over areas."""
    small = [
        np.asarray(Image.fromarray(film).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX))
        for film in films
    ]
    return np.stack(small).reshape(len(films), -1).astype(np.float32) / np.float32(255)


def _between(values: Floats, limits: Floats) -> Floats:
    """0 at an ordinary film's value, 1 at the largest to be read; never below 0."""
    ordinary, _, largest = limits
    scaled: Floats = np.maximum((values - ordinary) / (largest - ordinary), 0).astype(np.float32)
    return scaled


def _checked(arrays: Mapping[str, Floats]) -> Familiarity:
    """Raises TypeError for missing or unknown arrays, ValueError for shapes that disagree."""
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
        raise ValueError("shapes that disagree")
    return fitted
