"""A training job: its config, its data, and the folder with its state."""

from dataclasses import dataclass
from pathlib import Path

from pneumo_core.training.config import TrainingConfig

__all__ = ["TrainingJob"]


@dataclass(frozen=True)
class TrainingJob:
    """Everything a training needs besides its X-rays.

    ``folder``: where its state is saved; its name is the job's id. ``fingerprint``: of the dataset.
    ``overwrite``: whether it may replace a checkpoint of the same name.
    """

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
        """The file that a stopped job resumes from."""
        return self.folder / "state.safetensors"
