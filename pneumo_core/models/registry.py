"""Architectures by name. A new one is a file beside this and a line in ``MODELS``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from pneumo_core.errors import UnknownName
from pneumo_core.models.input_format import InputFormat

if TYPE_CHECKING:
    from pneumo_core.models._network import PneumoniaNetwork

__all__ = ["MODELS", "TIMM", "Model", "build_network", "find_model", "has_backbone"]

TIMM = "timm:"
"""Prefix of the names of timm's backbones: "timm:convnext_nano"."""


@dataclass(frozen=True)
class Model:
    """An architecture: its name, what it takes, how to build it, one sentence about it.

    ``build`` takes the side of the films in pixels, which matters to some of timm's backbones.
    """

    name: str
    title: str
    about: str
    input: InputFormat
    build: "Callable[[int], PneumoniaNetwork]"


def _beside(module: str) -> "Callable[[int], PneumoniaNetwork]":
    """What builds the network of a file beside this; torch comes with it, when it is asked for."""

    def build(_size: int) -> "PneumoniaNetwork":
        file = import_module(f"pneumo_core.models.{module}")
        network: PneumoniaNetwork = getattr(file, f"build_{module}")()
        return network

    return build


# The paper's grey normalisation, and ImageNet's, which pretrained backbones expect.
_GREY_100 = InputFormat(size=100, channels=1, mean=(0.485,), std=(0.229,))
_IMAGENET_224 = InputFormat(
    size=224, channels=3, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)

_IMAGENET_160 = replace(_IMAGENET_224, size=160)

MODELS: Mapping[str, Model] = MappingProxyType(
    {
        model.name: model
        for model in (
            Model("cnn_94", "CNN_94", "The paper's small network", _GREY_100, _beside("cnn_94")),
            Model("cnn_v2", "CNN_V2", "The paper's deeper network", _GREY_100, _beside("cnn_v2")),
            Model(
                "efficientnet_b0",
                "EfficientNet-B0",
                "A pretrainable backbone with the paper's head",
                _IMAGENET_224,
                _beside("efficientnet_b0"),
            ),
            Model(
                "efficientnet_lite0",
                "EfficientNet-Lite0",
                "A small pretrainable backbone with fine heat maps",
                _IMAGENET_160,
                _beside("efficientnet_lite0"),
            ),
        )
    }
)
"""Every architecture by name; read-only."""


def find_model(name: str) -> Model:
    """The architecture of that name: one of ``MODELS``, or "timm:" and a backbone of timm.

    Raises UnknownName.
    """
    if name.startswith(TIMM):
        return _find_timm(name)
    if name not in MODELS:
        raise UnknownName("model", name, (*MODELS, f"{TIMM}BACKBONE"))
    return MODELS[name]


def build_network(name: str, size: int | None = None) -> "PneumoniaNetwork":
    """A network of that architecture with fresh weights.

    ``size``: side in pixels of the films it will read, by default the architecture's own. Raises
    UnknownName, or TrainingError for a size that a backbone of timm can't read.
    """
    model = find_model(name)
    return model.build(size or model.input.size)


def has_backbone(model: str) -> bool:
    """Whether a model has a backbone that pretrained weights fit."""
    return model in ("efficientnet_b0", "efficientnet_lite0") or model.startswith(TIMM)


def _find_timm(name: str) -> Model:
    # timm takes seconds to import: only for those who ask for it.
    from pneumo_core.models.timm_backbone import build_timm, timm_input

    backbone = name.removeprefix(TIMM)
    about = "A backbone of timm with one linear layer"
    return Model(name, backbone, about, timm_input(backbone), partial(build_timm, backbone))
