"""Maps made of a layer's activation A and of the gradient G of the label's score there.

A layer is a convolution, or a block of a transformer, whose tokens are a grid of maps.

All are means over the K channels, where the papers have sums: what differs is a constant factor.
Grad-CAM's score is the label's logit, as in the paper. The others' is the label's lead over the
other label, which the probability depends on: what moves both logits alike is no evidence.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pneumo_core.explanations.network_layers import Layer, run_from
from pneumo_core.models import PneumoniaNetwork

__all__ = ["FROM_LAYERS", "from_layer", "from_maps"]


def from_layer(
    network: PneumoniaNetwork, view: Tensor, label: int, method: str, layer: Layer
) -> Tensor:
    """The map (h, w), ≥ 0, of one view (1, C, S, S) at a layer."""
    activation, logits = run_from(network, view, layer)
    return _heat(activation, logits, label, method, activation.shape[1])


def from_maps(
    network: PneumoniaNetwork, maps: NDArray[np.float32], label: int, method: str
) -> Tensor:
    """As ``from_layer``, at the output of ``features``, of the maps (1, K, h, w) it gave.

    Only neck and head are differentiated, and nothing needs a hook or a twin. Tokens that stand for
    no place are left out.
    """
    device = next(network.parameters()).device
    with torch.enable_grad():
        activation = torch.from_numpy(maps.copy()).to(device).requires_grad_(True)
        logits = network.head(network.neck(activation))
    return _heat(activation, logits, label, method, maps.shape[1] - network.token_channels)


def _heat(activation: Tensor, logits: Tensor, label: int, method: str, channels: int) -> Tensor:
    with torch.enable_grad():
        score = logits[0, label]
        if method != "grad_cam":
            score = score - logits[0, 1 - label]
        (gradient,) = torch.autograd.grad(score, activation)
    of_places = (activation.detach()[0, :channels], gradient[0, :channels])
    heat: Tensor = FROM_LAYERS[method](*of_places).float()
    return heat


def _grad_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """ReLU of the mean over channels of (mean of G over positions) · A, as in the paper."""
    weights = gradient.mean(dim=(1, 2), keepdim=True)  # (K, 1, 1)
    return torch.relu((weights * activation).mean(dim=0))


def _layer_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """ReLU of the mean over channels of ReLU(G) · A, position by position."""
    return torch.relu((torch.relu(gradient) * activation).mean(dim=0))


def _activation(activation: Tensor, _gradient: Tensor) -> Tensor:
    """The mean over channels of ReLU(A): a channel below zero doesn't respond."""
    return torch.relu(activation).mean(dim=0)


FROM_LAYERS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {"grad_cam": _grad_cam, "layer_cam": _layer_cam, "activation": _activation}
)
"""(A, G), both (K, h, w), to a map (h, w)."""
