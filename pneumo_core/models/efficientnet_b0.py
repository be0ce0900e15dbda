"""EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946) with the paper's three-layer head."""

from efficientnet_pytorch import EfficientNet
from torch import Tensor, nn

from pneumo_core.models._network import BackboneNetwork, PneumoniaNetwork, dense

__all__ = ["build_efficientnet_b0"]


class _Features(nn.Module):
    """efficientnet-pytorch's backbone without its own pooling and classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = EfficientNet.from_name("efficientnet-b0", include_top=False)
        # The memory-efficient Swish saves only its input for a hand-written backward pass, which
        # neither ONNX nor a gradient of a gradient can follow.
        self.backbone.set_swish(memory_efficient=False)

    def forward(self, films: Tensor) -> Tensor:
        maps: Tensor = self.backbone.extract_features(films)
        return maps


def build_efficientnet_b0() -> PneumoniaNetwork:
    """Build EfficientNet-B0 for X-rays (N, 3, 224, 224), initialised from torch's random state."""
    neck = nn.Sequential(
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),  # 1280
        *dense(1280, 500, nn.Dropout(0.3)),
        *dense(500, 100, nn.Dropout(0.3)),
    )
    return BackboneNetwork(_Features(), neck, nn.Linear(100, 2))
