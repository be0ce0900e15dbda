"""The lung finder in use: a registered one, the one in PNEUMO_LUNGS, or the one that is shipped."""

import json
import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from pneumo_core.core.settings import settings
from pneumo_core.errors import CheckpointError
from pneumo_core.lungs.interface import SIDE, ConfidenceLimits, LungFinder

__all__ = ["load_lung_finder", "lung_finder", "lung_finder_card", "register_lung_finder"]

_SHIPPED = Path(__file__).parent / "model"
_registered: list[LungFinder] = []


class _StoredFinder:
    """A finder that ``pneumo lungs train`` wrote, in ONNX Runtime on one thread; thread-safe."""

    def __init__(self, folder: Path) -> None:
        self.card: dict[str, object] = json.loads(
            (folder / "card.json").read_text(encoding="utf-8")
        )
        self.identity = str(self.card["version"])
        self.limits = ConfidenceLimits(**self.card["confidence"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "lungs.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def chances(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """See ``LungFinder``."""
        given = self._session.run(None, {"images": images})[0]
        return np.asarray(given, dtype=np.float32)


def lung_finder() -> LungFinder:
    """Return the finder in use: the registered one, that of PNEUMO_LUNGS, or the shipped one.

    Raises CheckpointError if it can't be used.
    """
    return _registered[-1] if _registered else _configured(os.environ.get("PNEUMO_LUNGS"))


def register_lung_finder(finder: LungFinder | None) -> None:
    """Use another segmentation model to find lungs, in this process; None: the default again.

    Masks, boxes, image check, network inputs and the shares of heat maps follow. Models that were
    trained with another finder are read with a warning. Where worker processes read, too, set
    PNEUMO_LUNGS to the folder of a finder instead.
    """
    _registered[:] = [] if finder is None else [finder]


def lung_finder_card() -> dict[str, object]:
    """Return the card of the finder in use: data, Dice with interval, licence, attribution.

    A finder that was not loaded from a folder has only its ``version``. Raises CheckpointError if
    the configured one can't be used.
    """
    finder = lung_finder()
    return dict(finder.card) if isinstance(finder, _StoredFinder) else {"version": finder.identity}


@lru_cache(maxsize=4)
def _configured(_variable: str | None) -> LungFinder:
    """Load the finder of each value of PNEUMO_LUNGS once: every X-ray asks for it several times."""
    return load_lung_finder(settings().lungs or _SHIPPED)


def load_lung_finder(folder: Path) -> LungFinder:
    """Load a finder from a folder with ``lungs.onnx`` and ``card.json``.

    Raises CheckpointError if it is missing, damaged or no finder.
    """
    try:
        finder = _StoredFinder(folder)
        given = finder.chances(np.zeros((1, SIDE, SIDE), np.uint8))
        if given.shape != (1, SIDE, SIDE):
            raise ValueError(f"it gives masks of {given.shape[1:]} pixels, not {SIDE} × {SIDE}")
    except Exception as error:  # ONNX Runtime has no common exception
        remedy = (
            "Install Pneumo again."
            if folder == _SHIPPED
            else "Set PNEUMO_LUNGS to a folder that 'pneumo lungs train' wrote, or unset it."
        )
        why = (error.strerror or "").lower() if isinstance(error, OSError) else str(error)
        raise CheckpointError(
            f"The lung finder in '{folder}' can't be used: {why}. {remedy}"
        ) from error
    return finder
