"""Recipes: complete training configs by name."""

from typing import Any

from pneumo_core.errors import UnknownName
from pneumo_core.models import has_backbone
from pneumo_core.training.config import Augmentation, TrainingConfig, training_config

__all__ = ["RECIPES", "recipe"]

RECIPES = ("strong", "paper")
"""``strong`` works best here; ``paper`` follows the paper that proposed CNN_94."""

# X-rays to be read are neither resampled nor noisy: where all training X-rays were, a network took
# sharper X-rays for healthier ones.
_STRONG_AUGMENTATION = Augmentation(
    resampled=0.9,
    rotation=15,
    shift=0.05,
    scale=0.12,
    zoom=(0.82, 1.18),
    cut=0.15,
    mirror=0.5,
    gamma=0.3,
    contrast=0.25,
    brightness=0.12,
    noise=(0.0, 0.04),
    blur=0.8,
)
_PAPER_AUGMENTATION = Augmentation(
    rotation=75, shift=0, scale=0, mirror=0.5, gamma=0, contrast=0, brightness=0, noise=(0, 0)
)


def recipe(name: str, model: str, **changes: Any) -> TrainingConfig:
    """Return the named recipe for a model, with changed settings; None leaves a setting as it is.

    Raises UnknownName for an unknown recipe or model, TrainingError for an invalid setting.
    """
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    settings = _paper(model) if name == "paper" else _strong(model)
    given = {setting: value for setting, value in changes.items() if value is not None}
    return training_config(model=model, **{**settings, **given})


def _strong(model: str) -> dict[str, Any]:
    """Return settings: many epochs for a small network, few gentle ones for a pretrained backbone.

    A backbone's validation AUC is near 1 from its third epoch on and no longer distinguishes
    epochs, so its learning-rate cycle runs to the end.
    """
    common = {"framing": "lungs", "augmentation": _STRONG_AUGMENTATION, "mirror": True}
    if not has_backbone(model):
        return {**common, "epochs": 60}
    return {
        **common,
        "epochs": 5,
        "batch_size": 32,
        "learning_rate": 2e-3,
        "backbone_factor": 0.5,
        "average": 0.0,
        "keep": "last",
        "validation_cut": "early",
    }


def _paper(model: str) -> dict[str, Any]:
    """Return settings of the paper: Adam at 1e-4 × 0.96 an epoch, 30 epochs, batches of 50.

    No pretrained weights: its "transfer learning" freezes a backbone of fresh weights and trains
    the head.
    """
    frozen = {"size": 100, "backbone_factor": 0.0} if has_backbone(model) else {}
    return {
        **frozen,
        "framing": "whole",
        "pretrained": "none",
        "epochs": 30,
        "batch_size": 50,
        "learning_rate": 1e-4,
        "schedule": "exponential",
        "weight_decay": 0.0,
        "label_smoothing": 0.0,
        "balance": "repeat_normals",
        "augmentation": _PAPER_AUGMENTATION,
        "average": 0.0,
        "precision": "32-true",
        "validation_cut": "random",
    }
