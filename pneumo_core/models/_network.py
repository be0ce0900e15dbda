"""The structure that all networks share: features, neck and head."""

import torch
from torch import Tensor, nn

from pneumo_core.models.layout import Layout

__all__ = ["PneumoniaNetwork"]


class PneumoniaNetwork(nn.Module):
    """A classifier in three stages, so that heat maps and embeddings can read between them.

    ``features``: input (N, C, S, S) → maps (N, K, h, w), the last convolution's activation, or a
    transformer's tokens as a grid.
    ``neck``: maps → penultimate features (N, D).
    ``head``: penultimate features → logits (N, 2), NORMAL first. Never a softmax.

    Splitting the network avoids hooks, so one network can serve several threads at once.

    ``token_channels``: how many of the last channels of the maps hold tokens that belong to no
    position; they are the same everywhere. ``layout``: the layout of a transformer's blocks; None
    where they give maps, or order their tokens otherwise.
    """

    token_channels: int = 0
    layout: Layout | None = None

    def __init__(self, features: nn.Module, neck: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.features = features
        self.neck = neck
        self.head = head

    def forward(self, films: Tensor) -> Tensor:
        """Return logits (N, 2) for normalised X-rays (N, C, S, S) float."""
        logits: Tensor = self.head(self.neck(self.features(films)))
        return logits

    def backbone_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that pretrained weights set; empty without a backbone."""
        return []


class BackboneNetwork(PneumoniaNetwork):
    """A network whose features are a backbone that takes pretrained weights."""

    def backbone_parameters(self) -> list[nn.Parameter]:
        return list(self.features.parameters())


def initialise(network: nn.Module) -> None:
    """Initialise a LeakyReLU network in place (He et al. 2015, arXiv:1502.01852)."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight, a=0.01, nonlinearity="leaky_relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def dense(inputs: int, outputs: int, *after: nn.Module) -> list[nn.Module]:
    """Return a fully connected layer with LeakyReLU, then ``after``."""
    return [nn.Linear(inputs, outputs), nn.LeakyReLU(), *after]


def convolution(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    """Return a valid (unpadded) convolution with LeakyReLU."""
    return [nn.Conv2d(inputs, outputs, kernel), nn.LeakyReLU()]


def output_shapes(network: nn.Module, films: Tensor) -> list[tuple[str, tuple[int, ...]]]:
    """Return (layer type, output shape without the batch) of every leaf module, in calling order.

    The network's mode and hooks are restored.
    """
    shapes: list[tuple[str, tuple[int, ...]]] = []

    def record(module: nn.Module, _inputs: object, output: Tensor) -> None:
        shapes.append((type(module).__name__, tuple(output.shape[1:])))

    leaves = [module for module in network.modules() if not list(module.children())]
    handles = [leaf.register_forward_hook(record) for leaf in leaves]
    modes = {module: module.training for module in network.modules()}
    try:
        network.eval()
        with torch.no_grad():
            network(films)
    finally:
        for module, training in modes.items():
            module.training = training
        for handle in handles:
            handle.remove()
    return shapes
