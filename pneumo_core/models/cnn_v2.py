"""CNN_V2, the paper's deeper network: five convolutions and four fully connected layers."""

from torch import nn

from pneumo_core.models._network import PneumoniaNetwork, convolution, dense, initialise

__all__ = ["build_cnn_v2"]


def build_cnn_v2() -> PneumoniaNetwork:
    """Build CNN_V2 for X-rays (N, 1, 100, 100), with fresh weights from torch's random state."""
    features = nn.Sequential(
        *convolution(1, 12, 5),  # 12 × 96 × 96
        nn.MaxPool2d(2),  # 12 × 48 × 48
        nn.BatchNorm2d(12),
        *convolution(12, 12, 3),  # 12 × 46 × 46
        *convolution(12, 16, 3),  # 16 × 44 × 44
        *convolution(16, 12, 3),  # 12 × 42 × 42
        *convolution(12, 12, 3),  # 12 × 40 × 40
    )
    neck = nn.Sequential(
        nn.Dropout(0.3),
        nn.MaxPool2d(2),  # 12 × 20 × 20
        nn.Flatten(),  # 4800
        *dense(12 * 20 * 20, 1000, nn.BatchNorm1d(1000)),
        *dense(1000, 100, nn.Dropout(0.3)),
        *dense(100, 10),
    )
    network = PneumoniaNetwork(features, neck, nn.Linear(10, 2))
    initialise(network)
    return network
