"""Robustness: does a checkpoint's answer survive small changes of the same X-rays?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.core.progress import Progress
from pneumo_core.datasets import Dataset
from pneumo_core.errors import DatasetError, UnreadableImage
from pneumo_core.evaluation.corruptions import CORRUPTIONS, SEVERITIES, at_benchmark_size
from pneumo_core.evaluation.image_changes import CHANGES
from pneumo_core.imaging import Radiograph
from pneumo_core.inference import open_runtime
from pneumo_core.metrics import Confusion, area_under_roc, confusion

__all__ = ["ChangedImages", "CorruptedImages", "corruption_robustness", "robustness"]

Pixels: TypeAlias = NDArray[np.float32]
Change: TypeAlias = Callable[[Pixels], Pixels]

_AT_ONCE = 64


def _apply(change: Change, radiograph: Radiograph) -> Radiograph:
    pixels = np.ascontiguousarray(change(radiograph.pixels), dtype=np.float32)
    return Radiograph(radiograph.name, pixels, radiograph.facts)


@dataclass(frozen=True)
class ChangedImages:
    """Scores of a checkpoint on X-rays with the same change applied to each.

    ``unreadable`` maps the ids of excluded X-rays to the reason; it is the same for every change.
    """

    change: str
    auc: float
    confusion: Confusion
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @property
    def balanced_accuracy(self) -> float:
        """Mean of sensitivity and specificity."""
        return (self.confusion.sensitivity + self.confusion.specificity) / 2


@dataclass(frozen=True)
class CorruptedImages:
    """Scores on X-rays under one corruption, at severities 1 to 5."""

    corruption: str
    by_severity: tuple[ChangedImages, ...]

    def mean(self, figure: Callable[[ChangedImages], float]) -> float:
        """Return the mean of a figure over the severities."""
        return float(np.mean([figure(each) for each in self.by_severity]))


def corruption_robustness(
    checkpoint: Checkpoint,
    dataset: Dataset,
    *,
    operating_point: str | None = None,
    progress: Progress | None = None,
) -> tuple[ChangedImages, list[CorruptedImages]]:
    """Score the dataset's X-rays under MedMNIST-C's corruptions (``CORRUPTIONS``).

    X-rays are first scaled down to 224 pixels on their shorter side, the size that the severities
    are made for. The first result is that of X-rays which are only scaled. Raises what
    ``robustness`` does.
    """
    changes: dict[str, Change] = {"none": at_benchmark_size}
    changes |= {
        f"{name} {severity}": partial(_corrupt, name, severity)
        for name in CORRUPTIONS
        for severity in SEVERITIES
    }
    clean, *rows = robustness(
        checkpoint, dataset, operating_point=operating_point, changes=changes, progress=progress
    )
    steps = len(SEVERITIES)
    return clean, [
        CorruptedImages(name, tuple(rows[place * steps : (place + 1) * steps]))
        for place, name in enumerate(CORRUPTIONS)
    ]


def _corrupt(name: str, severity: int, pixels: Pixels) -> Pixels:
    return CORRUPTIONS[name].apply(at_benchmark_size(pixels), severity)


def robustness(
    checkpoint: Checkpoint,
    dataset: Dataset,
    *,
    operating_point: str | None = None,
    changes: Mapping[str, Change] = CHANGES,
    progress: Progress | None = None,
) -> list[ChangedImages]:
    """Score the dataset's X-rays under every change, in the order of ``changes``.

    An unreadable X-ray is excluded from all changes and named in each. Raises DatasetError when
    none can be read, CheckpointError or UnknownName.
    """
    threshold = checkpoint.card.operating_point(operating_point).threshold
    runtime = open_runtime(checkpoint)
    margins: dict[str, list[NDArray[np.float32]]] = {change: [] for change in changes}
    labels: list[int] = []
    unreadable: dict[str, str] = {}
    for start in range(0, len(dataset), _AT_ONCE):
        batch = dataset.films.iloc[start : start + _AT_ONCE]
        films = []
        for film_id, label in zip(batch["id"], batch["label"], strict=True):
            try:
                films.append(dataset.source.radiograph(film_id))
            except UnreadableImage as error:
                unreadable[film_id] = str(error)
                continue
            labels.append(label)
        if films:
            for change, apply in changes.items():
                inputs = np.stack([runtime.input(_apply(apply, film)) for film in films])
                margins[change].append(runtime.run(inputs).margins)
        if progress:
            progress(min(start + _AT_ONCE, len(dataset)), len(dataset))
    if not labels:
        raise DatasetError(
            f"No X-ray of {dataset.name} can be read. Check it: pneumo data inspect."
        )
    probabilities = {name: runtime.calibrated(np.concatenate(m)) for name, m in margins.items()}
    return [
        ChangedImages(
            change, area_under_roc(labels, p), confusion(labels, p, threshold), unreadable
        )
        for change, p in probabilities.items()
    ]
