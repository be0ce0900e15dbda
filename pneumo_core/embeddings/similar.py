"""The training X-rays that a checkpoint finds most similar to another X-ray."""

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

__all__ = ["Similar", "TrainingImages", "open_training_images"]

Floats = NDArray[np.float32]

_SAME = 0.01
"""Mean difference of standardised features below which two X-rays are the same image, which is not
worth showing. The cached float16 causes a tenth of that."""


@dataclass(frozen=True)
class Similar:
    """A similar X-ray of the training set; ``similarity`` is in [-1, 1]."""

    id: str
    label: int
    similarity: float


@dataclass(frozen=True, eq=False)
class TrainingImages:
    """A checkpoint's features of its training X-rays.

    ``features`` float32 (N, D), penultimate, row i is the X-ray ``ids[i]`` with label
    ``labels[i]``; ``dataset`` decodes them.
    """

    dataset: Dataset
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    features: Floats

    def most_similar(self, features: Floats, label: int) -> Similar | None:
        """Return the X-ray of a label with the most similar features (D,); None without one.

        Similarity is the cosine of features standardised over the training X-rays, so that no
        feature dominates by its scale. The same image is skipped.
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


def open_training_images(
    checkpoint: Checkpoint,
    runtime: Runtime,
    dataset: Dataset,
    *,
    progress: Progress | None = None,
    home: Path | None = None,
) -> TrainingImages:
    """Return a checkpoint's features of a dataset's training X-rays, computing them once.

    The features are those of ``features_of``, cached under ``home``. ``progress`` counts X-rays,
    decoded and then processed; raising from it stops the work. Raises DatasetError if there are no
    training X-rays or the cache can't be written.
    """
    train = dataset.split("train")
    seen = features_of(
        checkpoint, train, runtime=runtime, decoding=progress, looking=progress, home=home
    )
    ids, labels = tuple(seen.table["id"]), seen.table["label"].to_numpy(np.int64)
    return TrainingImages(train, ids, labels, seen.values)


def _unit(rows: Floats) -> Floats:
    """Return rows (..., D) scaled to length 1; zero rows stay zero."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), dtype=np.float32)
