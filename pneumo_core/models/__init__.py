"""Architectures: networks from a normalised X-ray to two logits.

Names and input formats need no torch. Networks do, so their modules are imported on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

_FILES = {"PneumoniaNetwork": "_network", "output_shapes": "_network", "Layout": "layout"}


def __getattr__(name: str) -> Any:
    """Import what needs torch on first use (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILES.get(name, 'pretrained')}"), name)
