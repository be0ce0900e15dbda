"""Heat maps of the same four validation X-rays after every epoch of a training."""

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
    """Write ``pictures/0001.png`` and so on below a run's folder: four X-rays, two of each class.

    Each has its Grad-CAM for PNEUMONIA as an overlay, scaled to its own maximum. Raises
    TrainingError when a file can't be written.
    """
    rows = np.concatenate([val.rows[val.labels == label][:_OF_EACH_CLASS] for label in (0, 1)])
    strip = np.concatenate([_draw_overlay(runtime, val.store, row) for row in rows], axis=1)
    write_atomically(folder / "pictures" / f"{epoch:04d}.png", png(strip))


def epoch_pictures(folder: Path) -> dict[int, Path]:
    """Return the heat map images of a run's folder by epoch, in order."""
    found = sorted((folder / "pictures").glob("[0-9]*.png"))
    return {int(path.stem): path for path in found}


def _draw_overlay(runtime: Runtime, store: PixelStore, row: np.int64) -> NDArray[np.uint8]:
    film = np.array(store.pixels[row])  # a copy: torch warns of read-only memory
    heat = heat_map(runtime, film, PNEUMONIA).over((runtime.size, runtime.size))
    return overlay(film.astype(np.float32) / np.float32(255), heat, _OPACITY)
