"""EfficientNet-Lite0 (Tan and Le 2019, arXiv:1905.11946) with high-resolution maps.

The last stage's maps, at stride 32, are upsampled and added to the maps of stride 16, as in a
feature pyramid (Lin et al. 2017, doi 10.1109/CVPR.2017.106), so that the heat map's grid is twice
as fine.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from pneumo_core.models._network import PneumoniaNetwork
from pneumo_core.models._torchvision import import_torchvision

__all__ = ["build_efficientnet_lite0"]

_FINE_STAGES = 5
"""Stages before the last downsampling, of seven."""
_FINE, _COARSE, _WIDTH = 112, 320, 256
"""Channels after the fifth stage, after the seventh, and of the combined maps."""


class _Features(nn.Module):
    """The backbone without its last 1 × 1 convolution, which a smaller one replaces."""

    def __init__(self) -> None:
        super().__init__()
        import_torchvision()
        import timm.models

        backbone: Any = timm.models.create_model("tf_efficientnet_lite0", num_classes=0)
        backbone.conv_head = backbone.bn2 = nn.Identity()
        self.backbone = backbone
        self.fine = nn.Conv2d(_FINE, _WIDTH, 1, bias=False)
        self.coarse = nn.Conv2d(_COARSE, _WIDTH, 1, bias=False)
        self.last = nn.Sequential(nn.BatchNorm2d(_WIDTH), nn.ReLU6())

    def forward(self, images: Tensor) -> Tensor:
        stages = list(self.backbone.blocks)
        fine = self.backbone.bn1(self.backbone.conv_stem(images))
        for stage in stages[:_FINE_STAGES]:
            fine = stage(fine)
        coarse = fine
        for stage in stages[_FINE_STAGES:]:
            coarse = stage(coarse)
        fine = self.fine(fine)
        coarse = interpolate(self.coarse(coarse), fine.shape[-2:], mode="bilinear")
        maps: Tensor = self.last(fine + coarse)
        return maps


class _Network(PneumoniaNetwork):
    def backbone_parameters(self) -> list[nn.Parameter]:
        return list(self.features.get_submodule("backbone").parameters())


def build_efficientnet_lite0() -> PneumoniaNetwork:
    """Build the network for X-rays (N, 3, 160, 160), or of another size divisible by 32.

    The head has no bias and its two rows are each other's negatives, also during training: a logit
    is the mean of its class activation map, so all evidence has a position.
    """
    neck = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2))
    head = nn.Linear(_WIDTH, 2, bias=False)
    with torch.no_grad():
        head.weight[0] = -head.weight[1]
    return _Network(_Features(), neck, head)
