"""Estimates of training time, from a short measurement with the real loop on this machine."""

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pneumo_core.core.progress import Progress
from pneumo_core.datasets import NORMAL, Dataset, PixelStore
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.loop import fit
from pneumo_core.training.state import Progressed
from pneumo_core.training.training_set import Films

__all__ = ["Pace", "measure_pace"]

_STEPS = 4
_VALIDATED = 32


@dataclass(frozen=True)
class Pace:
    """This machine's speed with a model, in training and in validation: X-rays per second."""

    training: float
    validating: float

    def epoch_seconds(self, config: TrainingConfig, dataset: Dataset) -> float:
        """Return the seconds for one epoch of a dataset."""
        films = dataset.films
        train, val = (films[films["split"] == split] for split in ("train", "val"))
        taught = len(train)
        if config.balance == "repeat_normals":
            taught += int((train["label"] == NORMAL).sum())
        return taught / self.training + len(val) / self.validating


def measure_pace(config: TrainingConfig, progress: Progress | None = None) -> Pace:
    """Measure the pace by training a few batches of noise with the config, on fresh weights.

    Takes seconds. ``progress`` counts steps; raising from it stops the measurement.
    """
    films = _noise(config.training_input.side, config.batch_size * _STEPS)
    clock = _Clock(progress)
    short = replace(config, epochs=1, pretrained="none", devices=1)
    with tempfile.TemporaryDirectory(prefix="pneumo-pace-") as folder:
        val = _noise(config.input.size, _VALIDATED)
        progressed = fit(short, films, val, Path(folder) / "state.safetensors", clock)
    steps = len(clock.ticks) - 1  # the first one warms up
    per_step = (clock.ticks[-1] - clock.ticks[0]) / steps
    validating = progressed.reports[-1].seconds - (clock.ticks[-1] - clock.began)
    return Pace(config.batch_size / per_step, _VALIDATED / max(validating, 1e-6))


def _noise(side: int, number: int) -> Films:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (number, side, side), dtype=np.uint8)
    store = PixelStore(Path(), pixels, (), {})
    rows = np.arange(number, dtype=np.int64)
    return Films(store, rows, rows % 2)


class _Clock:
    """Listener that records the time of each step."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress
        self.began = 0.0
        self.ticks: list[float] = []

    def begin(self, progressed: Progressed) -> None:
        self.began = time.perf_counter()

    def step(self, done: int, total: int, loss: float) -> None:
        self.ticks.append(time.perf_counter())
        if self.progress:
            self.progress(done, total)

    def epoch(self, progressed: Progressed, seconds_left: float) -> None:
        """Nothing to record: the report has the epoch's seconds."""
