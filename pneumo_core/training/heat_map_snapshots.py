"""Where a network looks as it learns: the same four validation films after every epoch."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pneumo_core.datasets import PNEUMONIA, PixelStore
from pneumo_core.explanations import heat_map
from pneumo_core.imaging import overlay, png
from pneumo_core.inference import Runtime
from pneumo_core.training.state import write_atomically
from pneumo_core.training.training_set import Films

__all__ = ["epoch_pictures", "picture_epoch"]

_OF_EACH_CLASS = 2
_OPACITY = 0.55


def picture_epoch(folder: Path, epoch: int, runtime: Runtime, val: Films) -> None:
    """Write ``pictures/0001.png`` and so on below a run's folder: four films, two of each class.

    Each lies under its Grad-CAM for PNEUMONIA, scaled to its own maximum. Raises TrainingError when
    the disk refuses.
    """
    rows = np.concatenate([val.rows[val.labels == label][:_OF_EACH_CLASS] for label in (0, 1)])
    strip = np.concatenate([_pictured(runtime, val.store, row) for row in rows], axis=1)
    write_atomically(folder / "pictures" / f"{epoch:04d}.png", png(strip))


def epoch_pictures(folder: Path) -> dict[int, Path]:
    """The pictures of a run's folder by epoch, the first one first."""
    found = sorted((folder / "pictures").glob("[0-9]*.png"))
    return {int(path.stem): path for path in found}


def _pictured(runtime: Runtime, store: PixelStore, row: np.int64) -> NDArray[np.uint8]:
    film = np.array(store.pixels[row])  # a copy: torch wants no read-only memory
    heat = heat_map(runtime, film, PNEUMONIA).over((runtime.size, runtime.size))
    return overlay(film.astype(np.float32) / np.float32(255), heat, _OPACITY)
