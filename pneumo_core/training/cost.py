"""Estimates of training time, from a short measurement with the real loop on this machine."""

import contextlib
import math
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from pneumo_core.core.progress import Progress
from pneumo_core.core.settings import settings
from pneumo_core.datasets import NORMAL, Dataset, PixelStore
from pneumo_core.errors import UnreadableImage
from pneumo_core.lungs import NetworkInput
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.loop import fit
from pneumo_core.training.state import Progressed
from pneumo_core.training.training_set import Films

__all__ = ["Pace", "measure_pace"]

_STEPS = 4
_VALIDATED = 32


_DECODED = 12
_CHECKED = 7000
"""Inputs that the image check of a new model is fitted on, about."""


@dataclass(frozen=True)
class Pace:
    """This machine's speed in training, in validation and in decoding: X-rays per second."""

    training: float
    validating: float
    decoding: float

    def epoch_seconds(self, config: TrainingConfig, dataset: Dataset) -> float:
        """Return the seconds for one epoch of a dataset."""
        films = dataset.films
        train, val = (films[films["split"] == split] for split in ("train", "val"))
        taught = len(train)
        if config.balance == "repeat_normals":
            taught += int((train["label"] == NORMAL).sum())
        return taught / self.training + len(val) / self.validating

    def decoding_seconds(self, config: TrainingConfig, dataset: Dataset) -> float:
        """Return the seconds to decode all X-rays, those to train on once for each square."""
        squares = int(config.training_input.context > 1) + int(config.lung_attention > 0)
        taught = int((dataset.films["split"] == "train").sum())
        return (len(dataset.films) + squares * taught) / self.decoding

    def finishing_seconds(self, dataset: Dataset) -> float:
        """Return the seconds to score the X-rays and to fit the image check, about."""
        scored = int((dataset.films["split"] != "train").sum())
        checked = _CHECKED * (1 / self.validating + 1 / self.decoding)
        return scored / self.validating + checked


def measure_pace(
    config: TrainingConfig, dataset: Dataset, progress: Progress | None = None
) -> Pace:
    """Measure the pace: decode a few X-rays, and train a few batches of noise on fresh weights.

    Takes seconds. ``progress`` counts steps; raising from it stops the measurement.
    """
    decoding = _decoding_pace(config, dataset)
    films = _noise(config.training_input.side, config.batch_size * _STEPS)
    clock = _Clock(progress)
    short = replace(config, epochs=1, pretrained="none", devices=1)
    with tempfile.TemporaryDirectory(prefix="pneumo-pace-") as folder:
        val = _noise(config.input.size, _VALIDATED)
        progressed = fit(short, films, val, Path(folder) / "state.safetensors", clock)
    steps = len(clock.ticks) - 1  # the first one warms up
    per_step = (clock.ticks[-1] - clock.ticks[0]) / steps
    validating = progressed.reports[-1].seconds - (clock.ticks[-1] - clock.began)
    return Pace(config.batch_size / per_step, _VALIDATED / max(validating, 1e-6), decoding)


def _decoding_pace(config: TrainingConfig, dataset: Dataset) -> float:
    """Return X-rays per second from files to inputs, in all threads; infinite without files."""
    make = NetworkInput.of(config.input)
    ids = dataset.films["id"].sample(min(_DECODED, len(dataset.films)), random_state=0)
    began, done = time.perf_counter(), 0
    for each in ids:
        with contextlib.suppress(UnreadableImage):
            make(dataset.source.radiograph(each))
            done += 1
        if done == 1:
            began = time.perf_counter()  # the first one opens the lung finder
    each = (time.perf_counter() - began) / (done - 1) if done > 1 else 0.0
    return settings().threads / each if each else math.inf


def _noise(side: int, number: int) -> Films:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (number, side, side), dtype=np.uint8)
    store = PixelStore(Path(), pixels, pa.array([], pa.string()), {})
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
