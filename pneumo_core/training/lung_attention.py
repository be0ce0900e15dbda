"""A loss that teaches a network to find its evidence inside the lungs.

The share of a Grad-CAM map outside the lungs is added to the loss, as in training with constrained
explanations (Ross et al. 2017, doi 10.24963/ijcai.2017/371).
"""

from types import TracebackType
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from pneumo_core.datasets import NORMAL, PNEUMONIA
from pneumo_core.models import PneumoniaNetwork

__all__ = ["LatestPass", "outside_share"]

_FINER = 4
"""Upsampling of the maps before the share is measured, as lungs have curved edges."""


class LatestPass:
    """What a network gave in its latest forward pass, while the context is open.

    ``maps`` (N, K, h, w) and ``logits`` (N, 2), in the precision of the pass, without what a
    training framework does to them.
    """

    def __init__(self, network: PneumoniaNetwork) -> None:
        self._network = network
        self.maps = self.logits = torch.empty(0)

    def __enter__(self) -> Self:
        self._handles = (
            self._network.features.register_forward_hook(self._keep_maps),
            self._network.register_forward_hook(self._keep_logits),
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for handle in self._handles:
            handle.remove()

    def _keep_maps(self, _module: nn.Module, _inputs: object, maps: Tensor) -> None:
        self.maps = maps

    def _keep_logits(self, _module: nn.Module, _inputs: object, logits: Tensor) -> None:
        self.logits = logits


def outside_share(maps: Tensor, logits: Tensor, labels: Tensor, lungs: Tensor) -> Tensor:
    """Return the mean share of Grad-CAM for PNEUMONIA outside the lungs; differentiable.

    Grad-CAM is computed for the difference to NORMAL, so that the updates of both logits stay
    opposite.

    ``maps`` (N, K, h, w), from which ``logits`` (N, 2) follow; ``labels`` int64 (N,): only X-rays
    of PNEUMONIA count; ``lungs`` (N, 1, S, S): 1 inside, 0 outside. In [0, 1]; 0 where no X-ray
    counts.
    """
    leads = logits[:, PNEUMONIA] - logits[:, NORMAL]
    (slopes,) = torch.autograd.grad(leads.sum(), maps, create_graph=True)
    weights = slopes.float().mean(dim=(2, 3), keepdim=True)
    heat = (weights * maps.float()).sum(dim=1, keepdim=True).relu()
    side = (heat.shape[-2] * _FINER, heat.shape[-1] * _FINER)
    heat = interpolate(heat, side, mode="bilinear")
    outside = 1 - interpolate(lungs, side, mode="area")
    total = heat.sum(dim=(1, 2, 3))
    shares = (heat * outside).sum(dim=(1, 2, 3)) / total.clamp_min(1e-6)
    counted = (labels == PNEUMONIA) & (total > 0)
    return (shares * counted).sum() / counted.sum().clamp_min(1)
