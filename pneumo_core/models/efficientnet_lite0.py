"""EfficientNet-Lite0 (Tan and Le 2019, arXiv:1905.11946) up to its maps of stride 16.

The last two of seven stages, at stride 32, are left out: pretrained networks lose nothing on chest
X-rays without their last blocks (Ke et al. 2021, doi 10.1145/3450439.3451867), and a heat map on a
grid twice as fine can tell a lung from what lies beside it.
"""

from typing import Any

from torch import Tensor, nn

from pneumo_core.models._network import PneumoniaNetwork
from pneumo_core.models._torchvision import import_torchvision

__all__ = ["build_efficientnet_lite0"]

_STAGES = 5
_INNER, _WIDTH = 112, 320


class _Features(nn.Module):
    """The stem and five stages, then a 1 × 1 convolution as the whole network has at its end."""

    def __init__(self) -> None:
        super().__init__()
        import_torchvision()
        import timm.models

        backbone: Any = timm.models.create_model("tf_efficientnet_lite0", num_classes=0)
        del backbone.blocks[_STAGES:]
        backbone.conv_head = backbone.bn2 = nn.Identity()
        self.backbone = backbone
        self.last = nn.Sequential(
            nn.Conv2d(_INNER, _WIDTH, 1, bias=False), nn.BatchNorm2d(_WIDTH), nn.ReLU6()
        )

    def forward(self, films: Tensor) -> Tensor:
        maps: Tensor = self.last(self.backbone.forward_features(films))
        return maps


class _Network(PneumoniaNetwork):
    def backbone_parameters(self) -> list[nn.Parameter]:
        return list(self.features.get_submodule("backbone").parameters())


def build_efficientnet_lite0() -> PneumoniaNetwork:
    """Return a network for X-rays (N, 3, 160, 160), or of another size divisible by 16."""
    neck = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2))
    return _Network(_Features(), neck, nn.Linear(_WIDTH, 2))
