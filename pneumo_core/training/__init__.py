"""Train networks: X-rays in, weights out."""

from pneumo_core.training.augmentation import augmented, build_augmentation, settings_of
from pneumo_core.training.config import Augmentation, TrainingConfig, changed, training_config
from pneumo_core.training.cost import Pace, measure_pace
from pneumo_core.training.ensemble import make_ensemble
from pneumo_core.training.heat_map_snapshots import epoch_pictures
from pneumo_core.training.job import TrainingJob
from pneumo_core.training.loop import fit
from pneumo_core.training.publish import publish
from pneumo_core.training.recipes import RECIPES, recipe
from pneumo_core.training.relay import Listener
from pneumo_core.training.state import EpochReport, Progressed
from pneumo_core.training.training_set import Films, films_of

__all__ = [
    "RECIPES",
    "Augmentation",
    "EpochReport",
    "Films",
    "Listener",
    "Pace",
    "Progressed",
    "TrainingConfig",
    "TrainingJob",
    "augmented",
    "build_augmentation",
    "changed",
    "epoch_pictures",
    "films_of",
    "fit",
    "make_ensemble",
    "measure_pace",
    "publish",
    "recipe",
    "settings_of",
    "training_config",
]
