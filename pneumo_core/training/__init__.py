"""Learning: from a folder of films to a checkpoint."""

from pneumo_core.training.augment import build_augmentation
from pneumo_core.training.config import Augmentation, TrainingConfig, training_config
from pneumo_core.training.ensemble import make_ensemble
from pneumo_core.training.loop import Films, films_of, fit
from pneumo_core.training.publish import publish
from pneumo_core.training.recipes import RECIPES, recipe
from pneumo_core.training.relay import Listener
from pneumo_core.training.runs import Run, find_run, start_run
from pneumo_core.training.state import EpochReport, Progressed
from pneumo_core.training.train import go_on, train

__all__ = [
    "RECIPES",
    "Augmentation",
    "EpochReport",
    "Films",
    "Listener",
    "Progressed",
    "Run",
    "TrainingConfig",
    "build_augmentation",
    "films_of",
    "find_run",
    "fit",
    "go_on",
    "make_ensemble",
    "publish",
    "recipe",
    "start_run",
    "train",
    "training_config",
]
