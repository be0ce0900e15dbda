"""Any backbone of timm that ends in convolution maps (Wightman 2019, 10.5281/zenodo.4414861)."""

import difflib
from types import ModuleType

import torch
from torch import Tensor, nn

from pneumo_core.errors import UnknownName
from pneumo_core.models._network import BackboneNetwork, PneumoniaNetwork
from pneumo_core.models._torchvision import import_torchvision
from pneumo_core.models.input_format import InputFormat

__all__ = ["build_timm", "timm_input"]

_DROPOUT = 0.2
_CONVOLUTIONAL = ("convnext_nano", "mobilenetv3_large_100", "resnet18", "tf_efficientnet_lite0")


class _Features(nn.Module):
    """A backbone up to its last convolution maps."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, films: Tensor) -> Tensor:
        maps: Tensor = self.backbone.forward_features(films)  # type: ignore[operator]
        return maps


class _Neck(nn.Module):
    """The same backbone's own way from maps to features: pooling, and what some have after it."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        # In a tuple it isn't registered a second time: its weights belong to the features.
        self._backbone = (backbone,)
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, maps: Tensor) -> Tensor:
        pooled: Tensor = self._backbone[0].forward_head(  # type: ignore[operator]
            maps, pre_logits=True
        )
        dropped: Tensor = self.dropout(pooled)
        return dropped


def timm_input(architecture: str) -> InputFormat:
    """What the backbone takes, as timm tells it. Raises UnknownName."""
    config = _timm(architecture).get_pretrained_cfg(architecture)
    return InputFormat(
        size=config.input_size[-1], channels=3, mean=tuple(config.mean), std=tuple(config.std)
    )


def build_timm(architecture: str) -> PneumoniaNetwork:
    """The backbone with one dropout and one linear layer, fresh weights.

    Raises UnknownName for a name timm doesn't know, or a backbone that doesn't end in convolution
    maps (N, K, h, w), which the heat map needs.
    """
    backbone = _timm(architecture).create_model(architecture, num_classes=0)
    network = BackboneNetwork(_Features(backbone), _Neck(backbone), nn.Identity())
    size = timm_input(architecture).size
    with torch.no_grad():
        network.eval()
        maps = network.features(torch.zeros(1, 3, size, size))
        # Transformers give tokens (N, L, K) or maps (N, h, w, K), some a list of them.
        if getattr(maps, "ndim", 0) != 4 or maps.shape[1] != backbone.num_features:
            raise UnknownName("timm backbone with convolution maps", architecture, _CONVOLUTIONAL)
        width = network.neck(maps).shape[1]
    network.head = nn.Linear(width, 2)
    return network.train()


def _timm(architecture: str) -> ModuleType:
    """timm.models. Raises UnknownName for an architecture it doesn't have."""
    import_torchvision()
    import timm.models

    # With and without the tag that says which of its weights: "resnet18.a1_in1k", "resnet18".
    known = {*timm.models.list_models(), *timm.models.list_pretrained()}
    if architecture not in known:
        near = difflib.get_close_matches(architecture, known, n=5, cutoff=0)
        raise UnknownName("timm backbone", architecture, near)
    return timm.models
