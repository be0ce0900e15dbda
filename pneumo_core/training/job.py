"""One training job: what is trained, on what, and the folder where it keeps its state."""

from dataclasses import dataclass
from pathlib import Path

from pneumo_core.training.config import TrainingConfig

__all__ = ["TrainingJob"]


@dataclass(frozen=True)
class TrainingJob:
    """What a training needs to know besides its X-rays.

    ``folder``: where its state lies; its name is the job's id. ``fingerprint``: of the dataset.
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
        """What a stopped job goes on from."""
        return self.folder / "state.safetensors"
