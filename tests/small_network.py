"""A network that trains in a fraction of a second, for tests that are about training itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from pneumo_core.models import InputFormat, register_architecture, registry
from pneumo_core.models._network import PneumoniaNetwork, convolution, dense, initialise

__all__ = ["NAME", "SIZE", "WIDTH", "registered"]

NAME, SIZE, WIDTH = "small_net", 48, 10
"""Its name, the side of its X-rays in pixels, and the number of its penultimate features."""


@contextmanager
def registered() -> Iterator[None]:
    """Register the network in this process for as long as the context lasts."""
    takes = InputFormat(size=SIZE, channels=1, mean=(0.485,), std=(0.229,))
    register_architecture(NAME, _build, takes, about="Small enough for tests")
    try:
        yield
    finally:
        registry._registered.pop(NAME)


def _build(_size: int) -> PneumoniaNetwork:
    features = nn.Sequential(
        *convolution(1, 8, 5),  # 8 × 44 × 44
        nn.MaxPool2d(2),  # 8 × 22 × 22
        nn.BatchNorm2d(8),
        *convolution(8, 8, 3),  # 8 × 20 × 20
    )
    neck = nn.Sequential(
        nn.Dropout(0.3),
        nn.MaxPool2d(2),  # 8 × 10 × 10
        nn.Flatten(),  # 800
        *dense(800, 32, nn.BatchNorm1d(32)),
        *dense(32, WIDTH),
    )
    network = PneumoniaNetwork(features, neck, nn.Linear(WIDTH, 2))
    initialise(network)
    return network
