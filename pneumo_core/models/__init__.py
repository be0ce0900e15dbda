"""Architectures: from a normalised film to two logits."""

from pneumo_core.models._network import PneumoniaNetwork, output_shapes
from pneumo_core.models.registry import MODELS, InputFormat, Model, build_network, find_model

__all__ = [
    "MODELS",
    "InputFormat",
    "Model",
    "PneumoniaNetwork",
    "build_network",
    "find_model",
    "output_shapes",
]
