"""A run on several machines, whose processes torchrun or SLURM started."""

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.core.progress import Progress
from pneumo_core.datasets.load import dataset_path
from pneumo_core.errors import TrainingError
from pneumo_core.models import resolve_source
from pneumo_core.runs.execute import continue_run, take_part
from pneumo_core.runs.run import Run, list_runs, scan_for, start_run
from pneumo_core.runs.status import RunState
from pneumo_core.training.cluster import place_of
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.job import TrainingJob
from pneumo_core.training.relay import Listener

__all__ = ["train_together"]

_UNFINISHED = {RunState.LOST, RunState.FAILED, RunState.CANCELLED}


def train_together(
    data: str | os.PathLike[str],
    name: str,
    config: TrainingConfig,
    *,
    attribution: str = "",
    trained_on: str = "",
    overwrite: bool = False,
    listener: Listener | None = None,
    decoding: Progress | None = None,
) -> Checkpoint | None:
    """Train a network in several processes, each of which makes this call.

    The first one has the run, saves its state and publishes the model; a call with the same name,
    dataset and config continues a run that ended early. The others need the same X-rays, and only
    a temporary folder.

    ``listener`` and ``decoding`` are called in the first process only, see ``runs.train``.

    Returns:
        The checkpoint in the first process, None in the others.

    Raises:
        TrainingError: the processes are not those that the config asks for, or differ in X-rays or
            settings.
        DatasetError, CheckpointError: as ``runs.train`` does.
    """
    place, location = place_of(config), dataset_path(data)
    if place is None:
        raise TrainingError("This process was not started by torchrun or SLURM.")
    config = replace(config, pretrained=resolve_source(config.model, config.pretrained))
    if place.rank == 0:
        run = _unfinished(location, name, config) or start_run(
            location,
            name,
            config,
            attribution=attribution,
            trained_on=trained_on,
            overwrite=overwrite,
        )
        return continue_run(run, listener=listener, decoding=decoding)
    with tempfile.TemporaryDirectory() as folder:
        found = scan_for(config, location)
        take_part(TrainingJob(Path(folder), config, location, name, found.fingerprint), found)
    return None


def _unfinished(data: Path, name: str, config: TrainingConfig) -> Run | None:
    """Return the latest run of this name, dataset and config, if it ended early."""
    for run in list_runs()[0]:
        if (run.name, run.data) == (name, data.expanduser().resolve()):
            same = run.config == config and run.status.state in _UNFINISHED
            return run if same else None
    return None
