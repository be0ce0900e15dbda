"""Architectures: from a normalised film to two logits."""

from pneumo_core.models._network import PneumoniaNetwork, output_shapes
from pneumo_core.models.input_format import InputFormat
from pneumo_core.models.pretrained import (
    PRETRAINED,
    Start,
    has_backbone,
    input_of,
    origin_of,
    resolve_source,
    start_network,
)
from pneumo_core.models.registry import MODELS, TIMM, Model, build_network, find_model

__all__ = [
    "MODELS",
    "PRETRAINED",
    "TIMM",
    "InputFormat",
    "Model",
    "PneumoniaNetwork",
    "Start",
    "build_network",
    "find_model",
    "has_backbone",
    "input_of",
    "origin_of",
    "output_shapes",
    "resolve_source",
    "start_network",
]
