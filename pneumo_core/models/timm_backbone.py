"""Backbones of timm (Wightman 2019, 10.5281/zenodo.4414861), transformers included."""

import copy
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Literal

import torch
from torch import Tensor, nn

from pneumo_core.errors import TrainingError, UnknownName
from pneumo_core.models._network import BackboneNetwork, PneumoniaNetwork
from pneumo_core.models._torchvision import import_torchvision
from pneumo_core.models.input_format import InputFormat
from pneumo_core.models.layout import Layout

__all__ = ["build_timm", "check_size", "size_options", "timm_input"]

_DROPOUT = 0.2
_SOME = ("convnext_nano", "resnet18", "swin_tiny_patch4_window7_224", "vit_tiny_patch16_224")
_CLASS_ATTENTION = ("blocks_token_only", "cls_attn_blocks", "post_network")
"""Names of the last blocks of CaiT, XCiT and VOLO, where a class token first attends to the
X-ray."""
_LARGEST = 1024
"""The largest side in pixels for a backbone with a fixed size: its attention's cost grows with the
fourth power."""
# Exceptions of backbones that can't be divided, or can't read X-rays of this size.
_FAILED = (AssertionError, AttributeError, IndexError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True)
class _Parts:
    """The division of a backbone into features and neck.

    ``layout``: that of the features' last module. ``cut``: the part of the backbone's
    ``forward_features`` that belongs to the neck: nothing; the last block, where only a class token
    is read after it, so that the grid's tokens no longer matter; or the blocks in which a class
    token attends to the grid. ``carries``: whether the neck needs the prefix tokens.
    """

    layout: Layout
    cut: Literal["nothing", "last block", "class attention"] = "nothing"
    carries: bool = False

    def trunk(self, backbone: nn.Module) -> nn.Module:
        """Return the backbone without the neck's part: another view of the same modules."""
        if self.cut == "nothing":
            return backbone
        trunk = copy.copy(backbone)
        trunk._modules = {**backbone._modules, "norm": nn.Identity()}
        if self.cut == "last block":
            trunk._modules["blocks"] = backbone.blocks[:-1]  # type: ignore[index,assignment]
        else:
            trunk._modules |= dict.fromkeys(set(_CLASS_ATTENTION) & set(backbone._modules))
        return trunk

    def finish(self, backbone: nn.Module, tokens: Tensor, side: int) -> Tensor:
        """Return the output of the backbone's ``forward_features``, from that of the trunk."""
        if self.cut == "nothing":
            return tokens
        if self.cut == "class attention":
            tokens = backbone.forward_cls(tokens)  # type: ignore[operator]
        else:
            options = _position_options(backbone, side)
            tokens = backbone.blocks[-1](tokens, **options)  # type: ignore[index,operator]
        finished: Tensor = backbone.norm(tokens)  # type: ignore[operator]
        return finished


class _Features(nn.Module):
    """A backbone up to its last feature maps (N, K, h, w).

    Prefix tokens that the neck needs are added as channels, the same at every position.
    """

    def __init__(self, backbone: nn.Module, parts: _Parts) -> None:
        super().__init__()
        self.backbone = backbone
        # In a tuple it isn't registered a second time: its modules are the backbone's.
        self._trunk = (parts.trunk(backbone),)
        self._parts = parts

    def forward(self, films: Tensor) -> Tensor:
        output = self._trunk[0].forward_features(films)  # type: ignore[operator]
        maps, tokens = self._parts.layout.split(output)
        if self._parts.carries:
            carried = tokens.flatten(1)[:, :, None, None].expand(-1, -1, *maps.shape[2:])
            maps = torch.cat([maps, carried], dim=1)
        return maps


class _Neck(nn.Module):
    """The backbone's own steps from maps to features: pooling and what surrounds it."""

    def __init__(self, backbone: nn.Module, parts: _Parts) -> None:
        super().__init__()
        # In a tuple it isn't registered a second time: its weights belong to the features.
        self._backbone = (backbone,)
        self._parts = parts
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, maps: Tensor) -> Tensor:
        (backbone,) = self._backbone
        maps, tokens = self._split(maps)
        whole = self._parts.layout.join(maps, tokens)
        whole = self._parts.finish(backbone, whole, int(maps.shape[-1]))
        pooled: Tensor = backbone.forward_head(whole, pre_logits=True)  # type: ignore[operator]
        dropped: Tensor = self.dropout(pooled)
        return dropped

    def _split(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Separate the maps from the prefix tokens that they carry.

        Where the neck doesn't use those, another token stands in for them: zeros would fix the
        number of X-rays in an exported graph.
        """
        prefix, channels = self._parts.layout.prefix, int(maps.shape[1])
        if not self._parts.carries:
            return maps, maps[:, :, 0, :1].transpose(1, 2).repeat(1, prefix, 1)
        width = channels // (1 + prefix)
        return maps[:, :width], maps[:, width:, 0, 0].reshape(-1, prefix, width)


def timm_input(architecture: str) -> InputFormat:
    """Return the backbone's input format from timm's configuration. Raises UnknownName."""
    config = _timm(architecture).get_pretrained_cfg(architecture)
    return InputFormat(
        size=config.input_size[-1], channels=3, mean=tuple(config.mean), std=tuple(config.std)
    )


def size_options(architecture: str, size: int | None) -> dict[str, Any]:
    """Return the arguments that timm's ``create_model`` needs for this size. Raises UnknownName."""
    fixed = _timm(architecture).get_pretrained_cfg(architecture).fixed_input_size
    return {"img_size": size} if fixed and size else {}


def check_size(architecture: str, size: int) -> None:
    """Raise TrainingError for a size that the backbone would crop or can't read; UnknownName."""
    own = timm_input(architecture).size
    if size == own or not size_options(architecture, size):
        return
    step = _step(architecture)
    below, above = size // step * step, -(-size // step) * step
    if size > max(own, _LARGEST):
        raise TrainingError(
            f"timm:{architecture} can be built for X-rays of at most {max(own, _LARGEST)} pixels a "
            f"side, not {size}. Use a smaller size, or leave it out for its own {own} pixels."
        )
    if below != above:
        raise TrainingError(
            f"timm:{architecture} divides X-rays into patches and needs a side that is a multiple "
            f"of {step} pixels, not {size}. Give {f'{below} or ' if below else ''}{above}."
        )


def build_timm(architecture: str, size: int | None = None) -> PneumoniaNetwork:
    """Build the backbone with dropout, one linear layer and fresh weights.

    ``size``: side in pixels of the X-rays to read, by default the backbone's own; position
    embeddings are made for it. Raises UnknownName for a name unknown to timm or a backbone without
    a grid for heat maps, TrainingError for a size that it can't read.
    """
    own = timm_input(architecture).size
    size = size or own
    check_size(architecture, size)
    options = size_options(architecture, size)
    backbone = _timm(architecture).create_model(architecture, num_classes=0, **options)
    side = size if options else min(size, own)
    film = torch.linspace(-1, 1, 3 * side**2).view(1, 3, side, side)
    network = _divide(backbone.eval(), film, architecture)
    return network.train()


def _divide(backbone: nn.Module, film: Tensor, architecture: str) -> PneumoniaNetwork:
    """Divide the backbone and check that timm's own features result. Raises as ``build_timm``."""
    try:
        with torch.no_grad():
            output = backbone.forward_features(film)  # type: ignore[operator]
    except _FAILED as error:
        raise TrainingError(
            f"timm:{architecture} can't read X-rays of {film.shape[-1]} pixels a side. Use another "
            f"size, or leave it out for its own {timm_input(architecture).size} pixels."
        ) from error
    unsuitable = UnknownName("timm backbone with a grid for heat maps", architecture, _SOME)
    try:
        parts = _parts_of(backbone, output)
        if parts is None:
            raise unsuitable
        network = BackboneNetwork(_Features(backbone, parts), _Neck(backbone, parts), nn.Identity())
        with torch.no_grad():
            features = network.eval()(film)
            expected = backbone.forward_head(output, pre_logits=True)  # type: ignore[operator]
        torch.testing.assert_close(features, expected)
    except _FAILED as error:
        raise unsuitable from error
    network.head = nn.Linear(features.shape[1], 2)
    ordered = parts.layout.order != "maps" and not hasattr(backbone, "unroll")  # as Hiera does
    network.layout = parts.layout if ordered else None
    network.token_channels = parts.layout.prefix * _width(backbone) if parts.carries else 0
    return network


def _parts_of(backbone: nn.Module, output: object) -> _Parts | None:
    """Return how to divide a backbone with this ``forward_features``; None without a grid."""
    if any(getattr(backbone, name, None) is not None for name in _CLASS_ATTENTION):
        return _Parts(Layout("tokens"), "class attention")
    prefix, width = int(getattr(backbone, "num_prefix_tokens", 0)), _width(backbone)
    layout = Layout(prefix=prefix).fitted(output)
    if layout is None or not isinstance(output, Tensor):
        return None
    if layout.order != "tokens":
        plain = Layout("maps" if output.shape[1] == width else "channels last")
        return _Parts(plain) if width in output.shape[1::2] else None
    places, before = _find_dependence(backbone, output, layout.prefix)
    if not places:
        return _Parts(layout, "last block", carries=True)
    return _Parts(layout, carries=before)


def _find_dependence(backbone: nn.Module, output: Tensor, prefix: int) -> tuple[bool, bool]:
    """Return whether the features depend on the grid's tokens, and on the prefix tokens."""
    with torch.enable_grad():
        tokens = output.detach().requires_grad_(True)
        features = backbone.forward_head(tokens, pre_logits=True)  # type: ignore[operator]
        # Weighted unevenly: the plain sum of a normalised vector is constant.
        weighed = (features * torch.linspace(1, 2, features.shape[1])).sum()
        (gradient,) = torch.autograd.grad(weighed, tokens)
    return bool(gradient[:, prefix:].any()), bool(gradient[:, :prefix].any())


def _position_options(backbone: nn.Module, side: int) -> dict[str, Tensor]:
    """Return what the last block takes besides tokens: EVA's rotary position embedding."""
    rope = getattr(backbone, "rope", None)
    if rope is None:
        return {}
    embedding: Tensor = rope.get_embed(shape=[side, side])
    return {"rope": embedding[-1] if getattr(backbone, "rope_mixed", False) else embedding}


def _width(backbone: nn.Module) -> int:
    return int(backbone.num_features)  # type: ignore[arg-type]


@cache
def _step(architecture: str) -> int:
    """Return the side in pixels of the largest patch of one grid position."""
    with torch.device("meta"):  # takes no memory and draws no weights
        backbone = _timm(architecture).create_model(architecture, num_classes=0)
    stages: list[Mapping[str, int]] = backbone.feature_info
    return stages[-1]["reduction"]


def _timm(architecture: str) -> ModuleType:
    """Return timm.models. Raises UnknownName for an architecture it doesn't have."""
    import_torchvision()
    import timm.models

    # With and without the tag of the pretrained weights: "resnet18.a1_in1k", "resnet18".
    known = {*timm.models.list_models(), *timm.models.list_pretrained()}
    if architecture not in known:
        near = difflib.get_close_matches(architecture, known, n=5, cutoff=0)
        raise UnknownName("timm backbone", architecture, near)
    return timm.models
