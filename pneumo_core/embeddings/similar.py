"""The training films that a checkpoint finds most like another film."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.core.progress import Progress
from pneumo_core.datasets import Dataset
from pneumo_core.embeddings.features import features_of
from pneumo_core.inference import Runtime

__all__ = ["Similar", "TrainingFilms", "open_training_films"]

Floats = NDArray[np.float32]

_SAME = 0.01
"""Mean difference of standardised features below which two films are the same picture, which
nobody wants to see twice. float16, in which they are kept, makes a tenth of that."""


@dataclass(frozen=True)
class Similar:
    """A film of the training set; ``similarity`` to the one asked about is in [-1, 1]."""

    id: str
    label: int
    similarity: float


@dataclass(frozen=True, eq=False)
class TrainingFilms:
    """A checkpoint's view of its training films.

    ``features`` float32 (N, D), penultimate, row i is the film ``ids[i]`` with label
    ``labels[i]``; ``dataset`` decodes them.
    """

    dataset: Dataset
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    features: Floats

    def most_similar(self, features: Floats, label: int) -> Similar | None:
        """The film of a label whose features (D,) are most like these; None without one.

        Similarity is the cosine of features standardised over the training films, so that no unit
        outweighs the others by its scale. The same picture is passed over.
        """
        asked = (features - self._mean) / self._spread
        similarity = _unit(self._standardised) @ _unit(asked)
        different = np.abs(self._standardised - asked).mean(axis=1) > _SAME
        wanted = (self.labels == label) & different
        if not wanted.any():
            return None
        row = int(np.argmax(np.where(wanted, similarity, -np.inf)))
        return Similar(self.ids[row], label, float(similarity[row]))

    @cached_property
    def _mean(self) -> Floats:
        mean: Floats = self.features.mean(axis=0)
        return mean

    @cached_property
    def _spread(self) -> Floats:
        spread = self.features.std(axis=0)
        return np.where(spread > 0, spread, 1).astype(np.float32)

    @cached_property
    def _standardised(self) -> Floats:
        return np.asarray((self.features - self._mean) / self._spread, dtype=np.float32)


def open_training_films(
    checkpoint: Checkpoint,
    runtime: Runtime,
    dataset: Dataset,
    *,
    progress: Progress | None = None,
    home: Path | None = None,
) -> TrainingFilms:
    """The training films of a dataset as a checkpoint sees them, computed once and kept.

    The features are those of ``features_of``, kept under ``home``. ``progress`` counts films,
    decoded and then seen: raising from it stops the work. Raises DatasetError where there are no
    training films or the disk takes no more.
    """
    train = dataset.split("train")
    seen = features_of(
        checkpoint, train, runtime=runtime, decoding=progress, looking=progress, home=home
    )
    ids, labels = tuple(seen.table["id"]), seen.table["label"].to_numpy(np.int64)
    return TrainingFilms(train, ids, labels, seen.values)


def _unit(rows: Floats) -> Floats:
    """Rows (..., D) of length 1; rows of zeros stay."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), dtype=np.float32)
