"""Architectures: networks from a normalised X-ray to two logits.

Names and input formats need no torch. Networks do, so their modules are imported on first use.
"""

from typing import TYPE_CHECKING

from pneumo_core.core.lazy import lazy_names
from pneumo_core.models.input_format import Framing, InputFormat
from pneumo_core.models.registry import (
    MODELS,
    TIMM,
    Model,
    build_network,
    find_model,
    has_backbone,
    register_architecture,
)

if TYPE_CHECKING:
    from pneumo_core.models._network import PneumoniaNetwork, output_shapes
    from pneumo_core.models.layout import Layout
    from pneumo_core.models.pretrained import (
        PRETRAINED,
        Start,
        input_of,
        origin_of,
        resolve_source,
        start_network,
    )

__all__ = [
    "MODELS",
    "PRETRAINED",
    "TIMM",
    "Framing",
    "InputFormat",
    "Layout",
    "Model",
    "PneumoniaNetwork",
    "Start",
    "build_network",
    "find_model",
    "has_backbone",
    "input_of",
    "origin_of",
    "output_shapes",
    "register_architecture",
    "resolve_source",
    "start_network",
]

_MODULES = {
    "_network": ("PneumoniaNetwork", "output_shapes"),
    "layout": ("Layout",),
    "pretrained": (
        *("PRETRAINED", "Start", "input_of", "origin_of", "resolve_source", "start_network"),
    ),
}

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
