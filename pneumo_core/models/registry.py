"""Architectures by name. A new one is a file beside this and a line in ``MODELS``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor

from pneumo_core.errors import UnknownName
from pneumo_core.models._network import PneumoniaNetwork
from pneumo_core.models.cnn_94 import build_cnn_94
from pneumo_core.models.cnn_v2 import build_cnn_v2
from pneumo_core.models.efficientnet_b0 import build_efficientnet_b0

__all__ = ["MODELS", "InputFormat", "Model", "build_network", "find_model"]


@dataclass(frozen=True)
class InputFormat:
    """What a network takes: films squashed to size × size, then (pixels - mean) / std.

    ``size`` in pixels; ``channels`` 1 or 3 (a film's grey value repeated); ``mean`` and ``std``
    per channel, of pixels in [0, 1].
    """

    size: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def normalise(self, films: Tensor) -> Tensor:
        """Films (N, 1, S, S) float in [0, 1] → network input (N, channels, S, S), channels last."""
        mean = films.new_tensor(self.mean).view(1, -1, 1, 1)
        std = films.new_tensor(self.std).view(1, -1, 1, 1)
        repeated = films.expand(-1, self.channels, -1, -1)
        return ((repeated - mean) / std).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Model:
    """An architecture: its name, what it takes, how to build it, one sentence about it."""

    name: str
    title: str
    about: str
    input: InputFormat
    build: Callable[[], PneumoniaNetwork]


# The paper's grey normalisation, and ImageNet's, which pretrained backbones expect.
_GREY_100 = InputFormat(size=100, channels=1, mean=(0.485,), std=(0.229,))
_IMAGENET_224 = InputFormat(
    size=224, channels=3, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)

MODELS: Mapping[str, Model] = MappingProxyType(
    {
        model.name: model
        for model in (
            Model("cnn_94", "CNN_94", "The paper's small network", _GREY_100, build_cnn_94),
            Model("cnn_v2", "CNN_V2", "The paper's deeper network", _GREY_100, build_cnn_v2),
            Model(
                "efficientnet_b0",
                "EfficientNet-B0",
                "A pretrainable backbone with the paper's head",
                _IMAGENET_224,
                build_efficientnet_b0,
            ),
        )
    }
)
"""Every architecture by name; read-only."""


def find_model(name: str) -> Model:
    """The architecture of that name. Raises UnknownName."""
    if name not in MODELS:
        raise UnknownName("model", name, MODELS)
    return MODELS[name]


def build_network(name: str) -> PneumoniaNetwork:
    """A network of that architecture with fresh weights. Raises UnknownName."""
    return find_model(name).build()
