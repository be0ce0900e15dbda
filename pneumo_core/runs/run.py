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
from filelock import FileLock

from pneumo_core.checkpoints import Checkpoint, check_free, check_name, free_name, list_checkpoints
from pneumo_core.core.files import printable
from pneumo_core.core.settings import settings
from pneumo_core.datasets import Dataset, scan
from pneumo_core.errors import CheckpointError, TrainingError, UnknownName
from pneumo_core.models import resolve_source, start_network
from pneumo_core.runs.recorder import history_of
from pneumo_core.runs.status import Status, enqueue, status_of
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.job import TrainingJob
from pneumo_core.training.state import EpochReport, write_atomically

__all__ = ["Run", "find_run", "list_runs", "made_by", "rename_run", "start_run"]


@dataclass(frozen=True)
class Run(TrainingJob):
    """A training job on this machine: also what it is doing, and what it has said."""

    @property
    def status(self) -> Status:
        """What it is doing now, from disk. Raises TrainingError when that can't be told."""
        return status_of(self.folder)

    @property
    def history(self) -> list[EpochReport]:
        """The epochs it has finished."""
        return history_of(self.folder)

    def log(self, lines: int) -> list[str]:
        """The last lines that its process said."""
        try:
            said = (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return said.splitlines()[-lines:]

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
    numbered: bool = False,
) -> Run:
    """A new run with its folder under PNEUMO_HOME, queued. Nothing is trained yet.

    ``numbered``: a name that is taken gets a number. Raises CheckpointError when the name can't be
    used, DatasetError for films that can't, TrainingError for weights to start from that can't be
    had or a disk that refuses.
    """
    check_name(name)
    if not numbered:
        check_free(name, overwrite=overwrite)
    data = Path(data).expanduser().resolve()
    fingerprint = _scan(config, data).fingerprint
    config = replace(config, pretrained=resolve_source(config.model, config.pretrained))
    with torch.random.fork_rng(devices=[]):  # a trial: weights that can't be had are told now
        start_network(config.model, config.pretrained, config.size)
    root = _root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".names.lock"):  # two people who press the button at once
            taken = {run.name for run in list_runs()[0] if run.status.active}
            if numbered:
                name = free_name(name, taken=taken)
            elif name in taken:
                raise CheckpointError(
                    f"A run that will be called '{name}' is under way. Choose another name."
                )
            stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
            folder = root / f"{stamp}-{secrets.token_hex(2)}"
            folder.mkdir()
            run = Run(folder, config, data, name, fingerprint, attribution, trained_on, overwrite)
            _write(run)
            enqueue(folder)
    except OSError as error:
        raise TrainingError(
            f"'{root}' can't be written to: {error.strerror}. Set PNEUMO_HOME to another folder."
        ) from error
    return run


def list_runs() -> tuple[list[Run], list[str]]:
    """Every run under PNEUMO_HOME, the latest first, and a sentence for each damaged one."""
    found, problems = [], []
    for file in sorted(_root().glob("*/config.json"), reverse=True):
        try:
            run = find_run(file.parent.name)
            _ = run.status
            found.append(run)
        except (TrainingError, UnknownName) as error:  # it may have been deleted meanwhile
            if file.exists():
                problems.append(str(error))
    return found, problems


def made_by(run: Run) -> Checkpoint | None:
    """The checkpoint that a run published, where it still is."""
    return next((each for each in list_checkpoints()[0] if each.card.run == run.id), None)


def rename_run(run: Run, name: str) -> Run:
    """Give a run, and the checkpoint it will publish, another name.

    Raises CheckpointError for a taken or impossible name, TrainingError when the disk refuses.
    """
    with FileLock(_root() / ".names.lock"):
        check_free(name)
        if any(each.name == name and each.status.active for each in list_runs()[0]):
            raise CheckpointError(
                f"A run that will be called '{name}' is under way. Choose another name."
            )
        renamed = replace(run, name=name)
        _write(renamed)
    return renamed


def find_run(run_id: str) -> Run:
    """The run of that id. Raises UnknownName, or TrainingError for a damaged one."""
    root = _root()
    file = root / run_id / "config.json"
    if not re.fullmatch(r"[A-Za-z0-9-]+", run_id) or not file.is_file():
        known = [each.parent.name for each in root.glob("*/config.json")]
        raise UnknownName("run", run_id, known)
    try:
        stored: dict[str, Any] = json.loads(file.read_bytes())
        return _RUN.validate_python({**stored, "folder": file.parent})
    except (OSError, ValueError) as error:
        raise TrainingError(f"The run '{run_id}' is damaged. Start a new one.") from error


def _root() -> Path:
    return settings().home / "runs"


def _write(run: Run) -> None:
    write_atomically(run.folder / "config.json", _RUN.dump_json(run, indent=2))


def _scan(config: TrainingConfig, data: Path) -> Dataset:
    """The dataset with the validation split that the config asks for."""
    if printable(str(data)) != str(data):
        raise TrainingError(
            f"The folder's name '{printable(str(data))}' is not UTF-8, so no run can note it down. "
            "Rename it."
        )
    return scan(
        data,
        validation=config.validation,
        cut=config.validation_cut,
        fraction=config.validation_fraction,
    )
