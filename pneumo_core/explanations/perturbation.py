"""Maps by perturbing the X-ray, with captum's methods on the label's lead over the other label.

The lead, logit of the label minus that of the other, determines the probability. X-rays are
compared with a uniform image of their mean grey. captum gets a function instead of the network, so
it can't set hooks.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from pneumo_core.explanations.methods import Perturbation, Score, find_method

__all__ = ["find_perturbation"]

_PATCH = 8
"""Occlusion's patch is an eighth of the X-ray wide and moves by half its width."""
_STEPS = 32
"""Steps between the uniform image and the X-ray."""
_CELLS = 28
"""Side of the grid on which integrated gradients are summed: single pixels are too noisy."""
_BATCH = 16


def _occlusion(score: Score, view: Tensor, plain: Tensor) -> Tensor:
    """Return how far the lead falls when a patch is occluded; the mean where patches overlap.

    Zeiler and Fergus 2014, doi 10.1007/978-3-319-10590-1_53.
    """
    from captum.attr import Occlusion  # type: ignore[import-untyped]

    _, channels, size, _ = view.shape
    patch, stride = _patch(size)
    with torch.no_grad():
        falls = Occlusion(score).attribute(
            view,
            sliding_window_shapes=(channels, patch, patch),
            strides=(channels, stride, stride),
            baselines=plain,
            perturbations_per_eval=_BATCH,
        )
    return _positive(falls, size // stride)


def _integrated_gradients(score: Score, view: Tensor, plain: Tensor) -> Tensor:
    """Return the pixels' contributions to the lead, summed in each cell.

    The sum of all cells, before negative ones are clipped, is the lead gained over the uniform
    image.

    Sundararajan et al. 2017, arXiv:1703.01365.
    """
    from captum.attr import IntegratedGradients

    with torch.enable_grad():
        added = IntegratedGradients(score).attribute(
            view.detach().requires_grad_(True),
            baselines=plain,
            n_steps=_STEPS,
            internal_batch_size=_BATCH,
        )
    return _positive(added, _CELLS)


def _positive(attributions: Tensor, cells: int) -> Tensor:
    """Return attributions (1, C, S, S) summed over channels, averaged in cells, clipped at 0."""
    summed = attributions.detach().sum(dim=1)
    cells = min(cells, summed.shape[-1])
    return torch.relu(adaptive_avg_pool2d(summed, cells)[0]).float()


def _patch(size: int) -> tuple[int, int]:
    """Return side and step of the patches, in pixels."""
    patch = max(1, size // _PATCH)
    return patch, max(1, patch // 2)


def _occlusion_passes(size: int) -> int:
    patch, stride = _patch(size)
    return 1 + (math.ceil((size - patch) / stride) + 1) ** 2


_BUILT_IN: Mapping[str, Perturbation] = MappingProxyType(
    {
        "occlusion": Perturbation(_occlusion, _occlusion_passes),
        "integrated_gradients": Perturbation(_integrated_gradients, lambda _: _STEPS),
    }
)


def find_perturbation(name: str) -> Perturbation | None:
    """Return the perturbation method with this name, built in or registered; None for others."""
    return find_method(name).perturbation or _BUILT_IN.get(name)
