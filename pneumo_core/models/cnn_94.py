"""CNN_94, the paper's small network: three convolutions and four fully connected layers."""

from torch import nn

from pneumo_core.models._network import PneumoniaNetwork, convolution, dense, initialise

__all__ = ["build_cnn_94"]


def build_cnn_94() -> PneumoniaNetwork:
    """Build CNN_94 for X-rays (N, 1, 100, 100), with fresh weights from torch's random state."""
    features = nn.Sequential(
        *convolution(1, 12, 3),  # 12 × 98 × 98
        nn.MaxPool2d(2),  # 12 × 49 × 49
        nn.BatchNorm2d(12),
        *convolution(12, 18, 3),  # 18 × 47 × 47
        nn.MaxPool2d(2),  # 18 × 23 × 23
        *convolution(18, 24, 3),  # 24 × 21 × 21
    )
    neck = nn.Sequential(
        nn.Flatten(),  # 10584
        *dense(24 * 21 * 21, 1000, nn.BatchNorm1d(1000), nn.Dropout(0.3)),
        *dense(1000, 100, nn.Dropout(0.3)),
        *dense(100, 10),
    )
    network = PneumoniaNetwork(features, neck, nn.Linear(10, 2))
    initialise(network)
    return network
