"""Maps from a layer's activation A and the gradient G of the label's score with respect to it.

A layer is a convolution, or a block of a transformer, whose tokens form a grid.

All are means over the K channels where the papers use sums; this differs by a constant factor.
Grad-CAM's score is the label's logit, as in the paper. For the others it is the difference to the
other label's logit, which determines the probability: what raises both logits equally is no
evidence.
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
    """Return the map (h, w), ≥ 0, of one view (1, C, S, S) at a layer."""
    activation, logits = run_from(network, view, layer)
    return _heat(activation, logits, label, method, activation.shape[1])


def from_maps(
    network: PneumoniaNetwork, maps: NDArray[np.float32], label: int, method: str
) -> Tensor:
    """Return the map as ``from_layer`` does, but at the output of ``features``, maps (1, K, h, w).

    Only neck and head are differentiated, without hooks or copies. Tokens that belong to no
    position are left out.
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
    """Return ReLU of the mean over channels of (mean of G over positions) · A, as in the paper."""
    weights = gradient.mean(dim=(1, 2), keepdim=True)  # (K, 1, 1)
    return torch.relu((weights * activation).mean(dim=0))


def _layer_cam(activation: Tensor, gradient: Tensor) -> Tensor:
    """Return ReLU of the mean over channels of ReLU(G) · A, position by position."""
    return torch.relu((torch.relu(gradient) * activation).mean(dim=0))


def _activation(activation: Tensor, _gradient: Tensor) -> Tensor:
    """Return the mean over channels of ReLU(A)."""
    return torch.relu(activation).mean(dim=0)


FROM_LAYERS: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = MappingProxyType(
    {"grad_cam": _grad_cam, "layer_cam": _layer_cam, "activation": _activation}
)
"""Maps of (A, G), both (K, h, w), to a heat map (h, w), by method."""
