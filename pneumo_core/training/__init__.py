"""Training of networks, from X-rays to a published checkpoint.

What needs torch is imported on first use, so that a run's settings can be shown without it.
"""

from functools import partial
from typing import TYPE_CHECKING

from pneumo_core.core.extras import require
from pneumo_core.core.lazy import lazy_names

if TYPE_CHECKING:
    from pneumo_core.training.augmentation import augmented, build_augmentation, settings_of
    from pneumo_core.training.cluster import started_together
    from pneumo_core.training.config import (
        Augmentation,
        TrainingConfig,
        training_config,
        with_setting,
    )
    from pneumo_core.training.cost import Pace, measure_pace
    from pneumo_core.training.ensemble import make_ensemble
    from pneumo_core.training.heat_map_snapshots import epoch_pictures
    from pneumo_core.training.job import TrainingJob
    from pneumo_core.training.loop import fit
    from pneumo_core.training.recipes import RECIPES, recipe
    from pneumo_core.training.relay import Listener
    from pneumo_core.training.settings import settings_from, with_settings
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
    "epoch_pictures",
    "films_of",
    "fit",
    "make_ensemble",
    "measure_pace",
    "recipe",
    "settings_from",
    "settings_of",
    "started_together",
    "training_config",
    "with_setting",
    "with_settings",
]

_MODULES = {
    "augmentation": ("augmented", "build_augmentation", "settings_of"),
    "cluster": ("started_together",),
    "config": ("Augmentation", "TrainingConfig", "training_config", "with_setting"),
    "cost": ("Pace", "measure_pace"),
    "ensemble": ("make_ensemble",),
    "heat_map_snapshots": ("epoch_pictures",),
    "job": ("TrainingJob",),
    "loop": ("fit",),
    "recipes": ("RECIPES", "recipe"),
    "relay": ("Listener",),
    "settings": ("settings_from", "with_settings"),
    "state": ("EpochReport", "Progressed"),
    "training_set": ("Films", "films_of"),
}

_needs_extra = partial(require, "train", "kornia", "lightning_fabric", "tensorboardX")

__getattr__, __dir__ = lazy_names(__name__, _MODULES, check=_needs_extra)
