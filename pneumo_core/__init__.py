"""Detect pneumonia in chest X-rays, and show why.

>>> import pneumo_core as pn
>>> pn.read("chest.png").verdict  # doctest: +SKIP
'Signs of pneumonia likely'

Names are imported when they are used, so that importing the package costs nothing. Research use
only: not a medical device.
"""

from typing import TYPE_CHECKING

from pneumo_core.core.lazy import lazy_names

if TYPE_CHECKING:
    from pneumo_core.checkpoints import Checkpoint, list_checkpoints, load_checkpoint
    from pneumo_core.datasets import Dataset
    from pneumo_core.datasets.load import load_dataset
    from pneumo_core.embeddings.public import embed
    from pneumo_core.errors import (
        CheckpointError,
        DatasetError,
        PneumoError,
        TrainingError,
        UnknownName,
        UnreadableImage,
    )
    from pneumo_core.evaluation import Comparison, DatasetEvaluation
    from pneumo_core.evaluation.public import compare, evaluate
    from pneumo_core.evaluation.shortcuts import Audit
    from pneumo_core.evaluation.shortcuts.public import audit_dataset
    from pneumo_core.explanations import HeatMap
    from pneumo_core.imaging import Radiograph, read_radiograph
    from pneumo_core.lungs import Lungs, find_lungs
    from pneumo_core.models import register_architecture
    from pneumo_core.reading import Reader, Reading
    from pneumo_core.reading.public import explain, load_reader, read
    from pneumo_core.runs import train
    from pneumo_core.training import TrainingConfig, recipe

__all__ = [
    "Audit",
    "Checkpoint",
    "CheckpointError",
    "Comparison",
    "Dataset",
    "DatasetError",
    "DatasetEvaluation",
    "HeatMap",
    "Lungs",
    "PneumoError",
    "Radiograph",
    "Reader",
    "Reading",
    "TrainingConfig",
    "TrainingError",
    "UnknownName",
    "UnreadableImage",
    "__version__",
    "audit_dataset",
    "compare",
    "embed",
    "evaluate",
    "explain",
    "find_lungs",
    "list_checkpoints",
    "load_checkpoint",
    "load_dataset",
    "load_reader",
    "read",
    "read_radiograph",
    "recipe",
    "register_architecture",
    "train",
]

__version__ = "1.0.0"

_MODULES: dict[str, tuple[str, ...]] = {
    "checkpoints": ("Checkpoint", "list_checkpoints", "load_checkpoint"),
    "datasets": ("Dataset",),
    "datasets.load": ("load_dataset",),
    "embeddings.public": ("embed",),
    "errors": (
        *("CheckpointError", "DatasetError", "PneumoError", "TrainingError"),
        *("UnknownName", "UnreadableImage"),
    ),
    "evaluation": ("Comparison", "DatasetEvaluation"),
    "evaluation.public": ("compare", "evaluate"),
    "evaluation.shortcuts": ("Audit",),
    "evaluation.shortcuts.public": ("audit_dataset",),
    "explanations": ("HeatMap",),
    "imaging": ("Radiograph", "read_radiograph"),
    "lungs": ("Lungs", "find_lungs"),
    "models": ("register_architecture",),
    "reading": ("Reader", "Reading"),
    "reading.public": ("explain", "load_reader", "read"),
    "runs": ("train",),
    "training": ("TrainingConfig", "recipe"),
}

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
