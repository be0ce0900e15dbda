"""Saved weights of every epoch, one file each, in a folder beside the run's state."""

from pathlib import Path

from torch import nn

from pneumo_core.checkpoints.weights import to_safetensors
from pneumo_core.training.state import write_atomically

__all__ = ["EPOCHS_FOLDER", "keep_epoch"]

EPOCHS_FOLDER = "epochs"


def keep_epoch(folder: Path, number: int, network: nn.Module) -> None:
    """Write an epoch's weights, in float16, into ``epochs`` below a run's folder.

    Raises TrainingError when the file can't be written.
    """
    write_atomically(
        folder / EPOCHS_FOLDER / f"{number:04d}.safetensors", to_safetensors(network.state_dict())
    )
