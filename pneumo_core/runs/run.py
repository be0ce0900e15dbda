"""A run on disk: its config and dataset, in a folder of its own."""

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

__all__ = ["Run", "checkpoint_of", "find_run", "list_runs", "rename_run", "scan_for", "start_run"]


@dataclass(frozen=True)
class Run(TrainingJob):
    """A training job on this machine, with its status, history and log."""

    @property
    def status(self) -> Status:
        """The current status, from disk. Raises TrainingError when it can't be read."""
        return status_of(self.folder)

    @property
    def history(self) -> list[EpochReport]:
        """The finished epochs."""
        return history_of(self.folder)

    def log(self, lines: int) -> list[str]:
        """Return the last lines of its log."""
        try:
            said = (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return said.splitlines()[-lines:]

    def dataset(self) -> Dataset:
        """Return its dataset. Raises DatasetError, or TrainingError if the X-rays changed."""
        dataset = scan_for(self.config, self.data)
        if self.fingerprint and dataset.fingerprint != self.fingerprint:
            raise TrainingError(
                f"The X-rays in '{self.data}' have changed since the run {self.id} started. "
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
    """Create a new run, queued, with its folder under PNEUMO_HOME. Nothing is trained yet.

    ``numbered``: append a number to a name that is taken. Raises CheckpointError for an invalid
    name, DatasetError for unusable X-rays, TrainingError for unavailable pretrained weights or a
    folder that can't be written.
    """
    check_name(name)
    if not numbered:
        check_free(name, overwrite=overwrite)
    data = Path(data).expanduser().resolve()
    fingerprint = scan_for(config, data).fingerprint
    config = replace(config, pretrained=resolve_source(config.model, config.pretrained))
    with torch.random.fork_rng(devices=[]):  # a trial: fail now if weights are missing
        start_network(config.model, config.pretrained, config.size)
    root = _root()
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".names.lock"):  # two starts at the same moment
            taken = {run.name for run in list_runs()[0] if run.status.active}
            if numbered:
                name = free_name(name, taken=taken)
            elif name in taken:
                raise CheckpointError(
                    f"An active run already uses the name '{name}'. Choose another name."
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


def scan_for(config: TrainingConfig, data: Path) -> Dataset:
    """Return the dataset with the validation split that the config asks for.

    Raises DatasetError, or TrainingError if the folder's name can't be saved.
    """
    if printable(str(data)) != str(data):
        raise TrainingError(
            f"The folder's name '{printable(str(data))}' is not valid UTF-8. Rename the folder."
        )
    return scan(
        data,
        validation=config.validation,
        cut=config.validation_cut,
        fraction=config.validation_fraction,
    )


def list_runs() -> tuple[list[Run], list[str]]:
    """Return all runs under PNEUMO_HOME, latest first, and a message for each damaged one."""
    found, problems = [], []
    for file in sorted(_root().glob("*/config.json"), reverse=True):
        try:
            run = find_run(file.parent.name)
            _ = run.status
            found.append(run)
        except (TrainingError, UnknownName) as error:  # it may have been deleted in the meantime
            if file.exists():
                problems.append(str(error))
    return found, problems


def checkpoint_of(run: Run) -> Checkpoint | None:
    """Return the checkpoint that a run published, if it still exists."""
    return next((each for each in list_checkpoints()[0] if each.card.run == run.id), None)


def rename_run(run: Run, name: str) -> Run:
    """Rename a run, and the checkpoint it will publish.

    Raises CheckpointError for a taken or invalid name, TrainingError when it can't be written.
    """
    with FileLock(_root() / ".names.lock"):
        check_free(name)
        if any(each.name == name and each.status.active for each in list_runs()[0]):
            raise CheckpointError(
                f"An active run already uses the name '{name}'. Choose another name."
            )
        renamed = replace(run, name=name)
        _write(renamed)
    return renamed


def find_run(run_id: str) -> Run:
    """Return the run with this id. Raises UnknownName, or TrainingError for a damaged one."""
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
