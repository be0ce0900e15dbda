"""A run: from a folder of films to a published checkpoint, in a folder of its own."""

import json
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pydantic

from pneumo_core.checkpoints import Checkpoint, check_name
from pneumo_core.data import Dataset, Progress, open_store, scan
from pneumo_core.errors import CheckpointError, TrainingError, UnknownName
from pneumo_core.models import find_model
from pneumo_core.settings import settings
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.loop import Listener, films_of, fit
from pneumo_core.training.publish import publish
from pneumo_core.training.state import Progressed, write_atomically

__all__ = ["Run", "find_run", "start_run", "train"]


@dataclass(frozen=True)
class Run:
    """One training job: what it trains, on what, and the folder where it keeps its state."""

    folder: Path
    config: TrainingConfig
    data: Path
    name: str
    fingerprint: str
    attribution: str = ""
    trained_on: str = ""
    overwrite: bool = False

    @property
    def id(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def state(self) -> Path:
        """What a stopped run goes on from."""
        return self.folder / "state.safetensors"

    def dataset(self) -> Dataset:
        """The films it trains on. Raises DatasetError, or TrainingError when they changed."""
        dataset = scan_for(self.config, self.data)
        if self.fingerprint and dataset.fingerprint != self.fingerprint:
            raise TrainingError(
                f"The films in '{self.data}' are not those that the run {self.id} began with. "
                "Restore them, or start a new run."
            )
        return dataset


_RUN = pydantic.TypeAdapter(Run)


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


def scan_for(config: TrainingConfig, data: Path) -> Dataset:
    """The dataset with the validation split that the config asks for."""
    return scan(data, cut=config.validation_cut, fraction=config.validation_fraction)


def start_run(
    data: Path,
    name: str,
    config: TrainingConfig,
    *,
    attribution: str = "",
    trained_on: str = "",
    overwrite: bool = False,
) -> Run:
    """A new run with its folder under PNEUMO_HOME. Nothing is trained yet.

    Raises CheckpointError when the name can't be used, DatasetError for films that can't.
    """
    place = settings().checkpoints / check_name(name)
    if place.exists() and not overwrite:
        raise CheckpointError(f"A checkpoint named '{name}' exists already. Choose another name.")
    data = Path(data).expanduser().resolve()
    fingerprint = scan_for(config, data).fingerprint
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    folder = settings().home / "runs" / f"{stamp}-{secrets.token_hex(2)}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise TrainingError(
            f"'{folder}' can't be made: {error.strerror}. Set PNEUMO_HOME to another folder."
        ) from error
    run = Run(folder, config, data, name, fingerprint, attribution, trained_on, overwrite)
    write_atomically(folder / "config.json", _RUN.dump_json(run, indent=2))
    return run


def find_run(run_id: str) -> Run:
    """The run of that id. Raises UnknownName, or TrainingError for a damaged one."""
    root = settings().home / "runs"
    file = root / run_id / "config.json"
    if not re.fullmatch(r"[A-Za-z0-9-]+", run_id) or not file.is_file():
        known = [each.parent.name for each in root.glob("*/config.json")]
        raise UnknownName("run", run_id, known)
    try:
        stored: dict[str, Any] = json.loads(file.read_bytes())
        return _RUN.validate_python({**stored, "folder": file.parent})
    except (OSError, ValueError) as error:
        raise TrainingError(f"The run '{run_id}' is damaged. Start a new one.") from error


def go_on(
    run: Run, *, listener: Listener | None = None, decoding: Progress | None = None
) -> Checkpoint:
    """Train a run from where it is to its end, and publish it."""
    dataset = run.dataset()
    store = open_store(dataset, find_model(run.config.model).input.size, progress=decoding)
    train_films, val_films = (films_of(dataset, store, split) for split in ("train", "val"))
    historian = _Historian(run, listener)
    progressed = fit(run.config, train_films, val_films, run.state, historian)
    return publish(
        run.name,
        run.config,
        dataset,
        store,
        progressed,
        attribution=run.attribution,
        trained_on=run.trained_on,
        overwrite=run.overwrite,
    )


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
