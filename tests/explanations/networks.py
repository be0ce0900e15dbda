"""Small real networks and films to look through."""

import numpy as np
import torch
from torch import Tensor, nn

from pneumo_core.inference import Member, Runtime
from pneumo_core.models import InputFormat, PneumoniaNetwork, build_network

PLAIN = InputFormat(size=2, channels=1, mean=(0.0,), std=(1.0,))
INPUT = InputFormat(size=16, channels=1, mean=(0.485,), std=(0.229,))
FILM = np.array([[0, 51], [102, 255]], np.uint8)  # 0, 0.2 / 0.4, 1; mean grey 102: 0.4


class Summed(nn.Module):
    """Each channel summed up."""

    def forward(self, maps: Tensor) -> Tensor:
        return maps.sum(dim=(2, 3))


def two_channels() -> Runtime:
    """The film and its negative, each summed up, and logits from fixed weights.

    features: a = x, b = -x. neck: A = sum of a, B = sum of b.
    head: NORMAL = 3 B, PNEUMONIA = 2 A - B + 1.
    """
    convolution, linear = nn.Conv2d(1, 2, 1), nn.Linear(2, 2)
    with torch.no_grad():
        convolution.weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
        convolution.bias.zero_()
        linear.weight.copy_(torch.tensor([[0.0, 3.0], [2.0, -1.0]]))
        linear.bias.copy_(torch.tensor([0.0, 1.0]))
    return Runtime.of(PneumoniaNetwork(convolution, Summed(), linear).eval(), PLAIN)


def weighing(weights: list[float], features: nn.Module | None = None) -> PneumoniaNetwork:
    """The logit of PNEUMONIA is the weighted sum of the maps (of the pixels, by default)."""
    head = nn.Linear(len(weights), 2, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[0.0] * len(weights), weights]))
    return PneumoniaNetwork(features or nn.Identity(), nn.Flatten(), head).eval()


def small(seed: int, stride: int = 1, *, symmetric: bool = False) -> PneumoniaNetwork:
    """Two convolutions. A symmetric one can't tell left from right: its kernels are their own
    mirror images, and its features averages over the whole film."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        convolutions = [nn.Conv2d(1, 4, 3), nn.Conv2d(4, 6, 3, stride)]
        neck = nn.Sequential(
            nn.AdaptiveAvgPool2d(1 if symmetric else 2), nn.Flatten(), nn.LazyLinear(5), nn.Tanh()
        )
        features = nn.Sequential(convolutions[0], nn.LeakyReLU(), convolutions[1], nn.LeakyReLU())
        network = PneumoniaNetwork(features, neck, nn.Linear(5, 2))
        network(torch.zeros(1, 1, 16, 16))  # lazy weights are drawn
    if symmetric:
        for convolution in convolutions:
            weight = convolution.weight.data
            convolution.weight.data = (weight + weight.flip(-1)) / 2
    return network.eval()


def ensemble(*, mirror: bool = False) -> Runtime:
    """Two networks, with grids of 12 and 6."""
    members = (Member(small(1), INPUT), Member(small(2, stride=2), INPUT))
    return Runtime(members, mirror=mirror)


def backbone(name: str = "efficientnet_b0", size: int = 64) -> Runtime:
    """A backbone with fresh weights that has seen noise, so that its activations have a size."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(name)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = None  # the mean of all it has seen
                module.reset_running_stats()
        with torch.no_grad():
            network.train()(torch.randn(4, 3, size, size))
    return Runtime.of(network.eval(), InputFormat(size, 3, (0.5,) * 3, (0.25,) * 3))


def noise(seed: int = 0, size: int = 16) -> np.ndarray:
    """A film uint8 (size, size)."""
    return np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)


def mirrored(film: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(film[:, ::-1])
