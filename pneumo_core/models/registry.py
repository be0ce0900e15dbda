"""Architectures by name.

For another one add a module ``models/NAME.py`` with a function ``build_NAME()`` that returns a
``PneumoniaNetwork``, and a line in ``_registered`` below.
"""

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from pneumo_core.errors import TrainingError, UnknownName
from pneumo_core.models.input_format import InputFormat

if TYPE_CHECKING:
    from torch import Tensor

    from pneumo_core.models._network import PneumoniaNetwork

__all__ = [
    "MODELS",
    "PLUGINS",
    "TIMM",
    "Model",
    "build_network",
    "find_model",
    "has_backbone",
    "register_architecture",
]

TIMM = "timm:"
"""Prefix of the names of timm's backbones: "timm:convnext_nano"."""


@dataclass(frozen=True)
class Model:
    """An architecture.

    Attributes:
        name: its name in files, settings and commands.
        title: its name on pages and in reports.
        about: one sentence about it.
        input: its networks' input format.
        build: makes a network with fresh weights for images of a given side in pixels.
        backbone: whether ``features`` has a submodule "backbone" that pretrained weights fit.
        pretrained: returns the backbone's pretrained state dict, if the architecture brings its
        own; the source "auto" uses it.
    """

    name: str
    title: str
    about: str
    input: InputFormat
    build: "Callable[[int], PneumoniaNetwork]"
    backbone: bool = False
    pretrained: "Callable[[], Mapping[str, Tensor]] | None" = None


def _build_from(module: str) -> "Callable[[int], PneumoniaNetwork]":
    """Return a lazy factory, which imports the module (and torch) on its first call."""

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

_registered: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            "cnn_94",
            "CNN_94",
            "A small network of three convolutions",
            _GREY_100,
            _build_from("cnn_94"),
        ),
        Model(
            "cnn_v2",
            "CNN_V2",
            "A deeper network of five convolutions",
            _GREY_100,
            _build_from("cnn_v2"),
        ),
        Model(
            "efficientnet_b0",
            "EfficientNet-B0",
            "A pretrainable backbone with three dense layers",
            _IMAGENET_224,
            _build_from("efficientnet_b0"),
            backbone=True,
        ),
        Model(
            "efficientnet_lite0",
            "EfficientNet-Lite0",
            "A small pretrainable backbone with fine heat maps",
            _IMAGENET_160,
            _build_from("efficientnet_lite0"),
            backbone=True,
        ),
    )
}

PLUGINS = "pneumo.architectures"
"""Group of entry points; each is a function that registers architectures when called."""

_log = logging.getLogger(__name__)


class _Architectures(Mapping[str, Model]):
    """The registered architectures; other packages' are registered when one is looked for."""

    def __getitem__(self, name: str) -> Model:
        if name not in _registered:
            _load_plugins()
        return _registered[name]

    def __iter__(self) -> Iterator[str]:
        _load_plugins()
        return iter(dict(_registered))

    def __len__(self) -> int:
        _load_plugins()
        return len(_registered)


MODELS: Mapping[str, Model] = _Architectures()
"""Every architecture by name, registered ones and other packages' too; read-only."""


def register_architecture(
    name: str,
    build: "Callable[[int], PneumoniaNetwork]",
    input: InputFormat,
    *,
    title: str | None = None,
    about: str = "",
    backbone: bool = False,
    pretrained: "Callable[[], Mapping[str, Tensor]] | None" = None,
) -> Model:
    """Add an architecture to training, reading, heat maps and pages.

    The registration holds for this process. For every process, publish a function that calls this
    as an entry point of your package, in the group "pneumo.architectures".

    Args:
        name: lower-case letters, digits and "_"; its name in settings, files and commands.
        build: makes a PneumoniaNetwork (features, neck, head) with fresh weights for images of a
            given side in pixels.
        input: its networks' input format: size, channels, mean and standard deviation.
        title: its name on pages and in reports; by default ``name``.
        about: one sentence about it.
        backbone: whether ``features`` has a submodule "backbone" that pretrained weights fit.
        pretrained: returns the backbone's pretrained state dict.

    Returns:
        The architecture.

    Raises:
        TrainingError: the name is invalid or taken.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name):
        raise TrainingError(
            f"'{name}' is not an architecture name. Use up to 64 lower-case letters, digits and "
            "'_', starting with a letter."
        )
    if name in _registered:
        raise TrainingError(f"An architecture named '{name}' already exists. Choose another name.")
    model = Model(name, title or name, about, input, build, backbone, pretrained)
    _registered[name] = model
    return model


@cache
def _load_plugins() -> None:
    """Register the architectures of installed packages, once; a broken package is logged."""
    for each in entry_points(group=PLUGINS):
        try:
            each.load()()
        except Exception:  # noqa: BLE001 - another package may fail in any way, and only logs it
            _log.exception("The architectures of '%s' can't be loaded: its entry fails", each.value)


def find_model(name: str) -> Model:
    """Return the architecture with this name, from ``MODELS`` or timm ("timm:" and a backbone).

    Raises UnknownName.
    """
    if name.startswith(TIMM):
        return _find_timm(name)
    if name not in MODELS:
        raise UnknownName(
            "architecture", name, (*MODELS, TIMM + (name if _in_timm(name) else "BACKBONE"))
        )
    return MODELS[name]


def build_network(name: str, size: int | None = None) -> "PneumoniaNetwork":
    """Build a network of this architecture with fresh weights.

    ``size``: side in pixels of the X-rays to read, by default the architecture's own. Raises
    UnknownName, or TrainingError for a size that a backbone of timm can't read.
    """
    model = find_model(name)
    return model.build(size or model.input.size)


def has_backbone(model: str) -> bool:
    """Return whether a model has a backbone that takes pretrained weights."""
    return model.startswith(TIMM) or find_model(model).backbone


def _in_timm(name: str) -> bool:
    try:
        from pneumo_core.models._torchvision import import_torchvision

        import_torchvision()  # timm needs it
        from timm import is_model
    except ImportError:
        return False
    return bool(is_model(name))


def _find_timm(name: str) -> Model:
    # timm takes seconds to import, so only when it is needed.
    from pneumo_core.models.timm_backbone import build_timm, timm_input

    backbone = name.removeprefix(TIMM)
    about = "A backbone of timm with one linear layer"
    return Model(name, backbone, about, timm_input(backbone), partial(build_timm, backbone))
