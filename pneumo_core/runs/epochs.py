"""Saved epochs of a run, one file of weights each, for maps of the training."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pneumo_core.checkpoints.weights import load_networks
from pneumo_core.errors import TrainingError
from pneumo_core.inference import Runtime
from pneumo_core.runs.run import Run, list_runs
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.epochs import EPOCHS_FOLDER

__all__ = ["KeptEpoch", "kept_epochs", "runs_with_epochs"]


@dataclass(frozen=True)
class KeptEpoch:
    """The network at the end of an epoch, as it was validated.

    ``number`` counts from 1; ``validation_auc`` is NaN where the run's history lacks it.
    """

    run: str
    number: int
    file: Path
    config: TrainingConfig
    validation_auc: float

    @cached_property
    def version(self) -> str:
        """Eight hex digits that identify these weights. Raises TrainingError."""
        return hashlib.sha256(self._content()).hexdigest()[:8]

    def runtime(self) -> Runtime:
        """Return the network ready for inference; its probabilities are not calibrated.

        Raises TrainingError when its weights are damaged.
        """
        config = self.config
        takes = config.input
        try:
            (network,) = load_networks(self._content(), [(config.model, takes.size)])
        except ValueError as error:
            raise self._damage_error() from error
        return Runtime.of(network, takes, mirror=config.mirror)

    def _content(self) -> bytes:
        try:
            return self.file.read_bytes()
        except OSError as error:
            raise self._damage_error() from error

    def _damage_error(self) -> TrainingError:
        return TrainingError(
            f"Epoch {self.number} of the run '{self.run}' can't be read from '{self.file}'. "
            "Restore it, or train again with --keep-epochs."
        )


def kept_epochs(run: Run) -> tuple[KeptEpoch, ...]:
    """Return the epochs that a run has saved so far, in order."""
    areas = {report.epoch: report.val_auc for report in run.history}
    found = sorted((run.folder / EPOCHS_FOLDER).glob("[0-9]*.safetensors"))
    return tuple(
        KeptEpoch(run.id, int(file.stem), file, run.config, areas.get(int(file.stem), float("nan")))
        for file in found
        if re.fullmatch(r"\d+", file.stem)
    )


def runs_with_epochs() -> list[Run]:
    """Return the runs under PNEUMO_HOME with two or more saved epochs, the latest first.

    Damaged runs are skipped.
    """
    return [run for run in list_runs()[0] if len(kept_epochs(run)) > 1]
