"""A run on disk: what it trains, on what, in a folder of its own."""

import json
import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pydantic
import torch

from pneumo_core.checkpoints import check_free
from pneumo_core.data import Dataset, scan
from pneumo_core.errors import TrainingError, UnknownName
from pneumo_core.models import resolve_source, start_network
from pneumo_core.settings import settings
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.state import write_atomically

__all__ = ["Run", "find_run", "start_run"]


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
        dataset = _scan(self.config, self.data)
        if self.fingerprint and dataset.fingerprint != self.fingerprint:
            raise TrainingError(
                f"The films in '{self.data}' are not those that the run {self.id} began with. "
                "Restore them, or start a new run."
            )
        return dataset


_RUN = pydantic.TypeAdapter(Run)


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

    Raises CheckpointError when the name can't be used, DatasetError for films that can't,
    TrainingError for weights to start from that can't be had.
    """
    check_free(name, overwrite=overwrite)
    data = Path(data).expanduser().resolve()
    fingerprint = _scan(config, data).fingerprint
    config = replace(config, pretrained=resolve_source(config.model, config.pretrained))
    with torch.random.fork_rng(devices=[]):  # a trial: weights that can't be had are told now
        start_network(config.model, config.pretrained, config.size)
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


def _scan(config: TrainingConfig, data: Path) -> Dataset:
    """The dataset with the validation split that the config asks for."""
    return scan(data, cut=config.validation_cut, fraction=config.validation_fraction)
