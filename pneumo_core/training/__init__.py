"""Learning: from a folder of films to a checkpoint."""

from pneumo_core.training.augment import augmented, build_augmentation, settings_of
from pneumo_core.training.config import Augmentation, TrainingConfig, changed, training_config
from pneumo_core.training.cost import Pace, measure_pace
from pneumo_core.training.ensemble import make_ensemble
from pneumo_core.training.epochs import KeptEpoch, kept_epochs, runs_with_epochs
from pneumo_core.training.films import Films, films_of
from pneumo_core.training.historian import losses_of
from pneumo_core.training.loop import fit
from pneumo_core.training.pictures import epoch_pictures
from pneumo_core.training.publish import publish
from pneumo_core.training.recipes import RECIPES, recipe
from pneumo_core.training.relay import Listener
from pneumo_core.training.runs import Run, find_run, list_runs, made_by, rename_run, start_run
from pneumo_core.training.state import EpochReport, Progressed
from pneumo_core.training.train import carry_out, go_on, train

__all__ = [
    "RECIPES",
    "Augmentation",
    "EpochReport",
    "Films",
    "KeptEpoch",
    "Listener",
    "Pace",
    "Progressed",
    "Run",
    "TrainingConfig",
    "augmented",
    "build_augmentation",
    "carry_out",
    "changed",
    "epoch_pictures",
    "films_of",
    "find_run",
    "fit",
    "go_on",
    "kept_epochs",
    "list_runs",
    "losses_of",
    "made_by",
    "make_ensemble",
    "measure_pace",
    "publish",
    "recipe",
    "rename_run",
    "runs_with_epochs",
    "settings_of",
    "start_run",
    "train",
    "training_config",
]
