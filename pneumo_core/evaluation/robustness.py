"""Robustness: does a checkpoint's answer survive small changes of the same X-rays?"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.core.progress import Progress
from pneumo_core.datasets import Dataset
from pneumo_core.errors import DatasetError, UnreadableFilm
from pneumo_core.evaluation.image_changes import CHANGES
from pneumo_core.imaging import Radiograph
from pneumo_core.inference import open_runtime
from pneumo_core.metrics import Confusion, area_under_roc, confusion

__all__ = ["ChangedFilms", "robustness"]

Pixels: TypeAlias = NDArray[np.float32]

_AT_ONCE = 64


def _apply(change: Callable[[Pixels], Pixels], radiograph: Radiograph) -> Radiograph:
    pixels = np.ascontiguousarray(change(radiograph.pixels), dtype=np.float32)
    return Radiograph(radiograph.name, pixels, radiograph.facts)


@dataclass(frozen=True)
class ChangedFilms:
    """Scores of a checkpoint on X-rays with the same change applied to each.

    ``unreadable`` maps the ids of excluded X-rays to the reason; it is the same for every change.
    """

    change: str
    auc: float
    confusion: Confusion
    unreadable: Mapping[str, str] = field(default_factory=dict)


def robustness(
    checkpoint: Checkpoint,
    dataset: Dataset,
    *,
    operating_point: str | None = None,
    progress: Progress | None = None,
) -> list[ChangedFilms]:
    """Score the dataset's X-rays under every change, "unchanged" first.

    An unreadable X-ray is excluded from all changes and named in each. Raises DatasetError when
    none can be read, CheckpointError or UnknownName.
    """
    threshold = checkpoint.card.operating_point(operating_point).threshold
    runtime = open_runtime(checkpoint)
    margins: dict[str, list[NDArray[np.float32]]] = {change: [] for change in CHANGES}
    labels: list[int] = []
    unreadable: dict[str, str] = {}
    for start in range(0, len(dataset), _AT_ONCE):
        batch = dataset.films.iloc[start : start + _AT_ONCE]
        films = []
        for film_id, label in zip(batch["id"], batch["label"], strict=True):
            try:
                films.append(dataset.source.radiograph(film_id))
            except UnreadableFilm as error:
                unreadable[film_id] = str(error)
                continue
            labels.append(label)
        if films:
            for change, apply in CHANGES.items():
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
        ChangedFilms(change, area_under_roc(labels, p), confusion(labels, p, threshold), unreadable)
        for change, p in probabilities.items()
    ]
