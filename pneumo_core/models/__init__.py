"""Architectures: from a normalised film to two logits.

Names and what a network takes need no torch; the networks themselves do, so what is made of it is
imported when it is asked for.
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
    """What needs torch (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FILES.get(name, 'pretrained')}"), name)
