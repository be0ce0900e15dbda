"""Training from end to end: from a folder of films to a published checkpoint."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.data import Progress, open_store
from pneumo_core.models import input_of
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.loop import films_of, fit
from pneumo_core.training.publish import publish
from pneumo_core.training.relay import Listener
from pneumo_core.training.runs import Run, start_run
from pneumo_core.training.state import Progressed, write_atomically

__all__ = ["go_on", "train"]


def train(
    data: Path,
    name: str,
    config: TrainingConfig | None = None,
    *,
    attribution: str = "",
    trained_on: str = "",
    overwrite: bool = False,
    listener: Listener | None = None,
    decoding: Progress | None = None,
) -> Checkpoint:
    """Train a network on a folder of films and publish it as the checkpoint ``name``.

    Raises DatasetError, TrainingError or CheckpointError, each before the training starts where
    that can be told. An interrupted run can be resumed: see ``find_run`` and ``go_on``.
    """
    run = start_run(
        data,
        name,
        config or TrainingConfig(),
        attribution=attribution,
        trained_on=trained_on,
        overwrite=overwrite,
    )
    return go_on(run, listener=listener, decoding=decoding)


def go_on(
    run: Run, *, listener: Listener | None = None, decoding: Progress | None = None
) -> Checkpoint:
    """Train a run from where it is to its end, and publish it."""
    dataset = run.dataset()
    config = run.config
    takes = input_of(config.model, config.pretrained, config.size)
    store = open_store(dataset, takes.size, progress=decoding)
    train_films, val_films = (films_of(dataset, store, split) for split in ("train", "val"))
    historian = _Historian(run, listener)
    progressed = fit(config, train_films, val_films, run.state, historian)
    return publish(run, dataset, store, progressed)


@dataclass(frozen=True)
class _Historian:
    """Keeps ``history.csv`` beside the state, for people and pages to read while it runs."""

    run: Run
    listener: Listener | None

    def step(self, done: int, total: int) -> None:
        if self.listener:
            self.listener.step(done, total)

    def epoch(self, progressed: Progressed, seconds_left: float) -> None:
        table = pd.DataFrame([vars(report) for report in progressed.reports])
        write_atomically(self.run.folder / "history.csv", table.to_csv(index=False).encode())
        if self.listener:
            self.listener.epoch(progressed, seconds_left)
