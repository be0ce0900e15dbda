"""Training of networks, from X-rays to a published checkpoint."""

from pneumo_core.core.extras import require

require("train", "kornia", "lightning_fabric", "tensorboardX")

from pneumo_core.training.augmentation import augmented, build_augmentation, settings_of  # noqa: E402
from pneumo_core.training.config import Augmentation, TrainingConfig, training_config, with_setting  # noqa: E402
from pneumo_core.training.cost import Pace, measure_pace  # noqa: E402
from pneumo_core.training.ensemble import make_ensemble  # noqa: E402
from pneumo_core.training.heat_map_snapshots import epoch_pictures  # noqa: E402
from pneumo_core.training.job import TrainingJob  # noqa: E402
from pneumo_core.training.loop import fit  # noqa: E402
from pneumo_core.training.publish import publish  # noqa: E402
from pneumo_core.training.recipes import RECIPES, recipe  # noqa: E402
from pneumo_core.training.relay import Listener  # noqa: E402
from pneumo_core.training.settings import settings_from, with_settings  # noqa: E402
from pneumo_core.training.state import EpochReport, Progressed  # noqa: E402
from pneumo_core.training.training_set import Films, films_of  # noqa: E402

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
    "publish",
    "recipe",
    "settings_from",
    "settings_of",
    "training_config",
    "with_setting",
    "with_settings",
]
