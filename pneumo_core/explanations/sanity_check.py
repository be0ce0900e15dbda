"""Sanity check of a heat map: does it change when the network's weights are randomised?

Adebayo et al. 2018, "Sanity Checks for Saliency Maps", arXiv:1810.03292: a map that stays the same
with random weights shows the X-ray, not what was learned.
"""

import copy
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from pneumo_core.core.progress import Progress
from pneumo_core.explanations.compute import heat_map
from pneumo_core.explanations.methods import find_method
from pneumo_core.explanations.result import HeatMap
from pneumo_core.inference import Runtime
from pneumo_core.models import PneumoniaNetwork

__all__ = ["ALIKE", "SanityCheck", "run_sanity_check"]

ALIKE = 0.5
"""Rank correlation from which a map counts as unchanged. A convention, not a test: the cells of a
map are not independent, so there is no significance."""

_DRAWS, _SLOW_DRAWS = 5, 2


@dataclass(frozen=True, eq=False)
class SanityCheck:
    """A heat map and those of randomised networks.

    ``similarities``: Spearman's rank correlation of ``scaled()`` over cells, in [-1, 1], for each
    draw of weights; 0 where the randomised network's map is empty. Empty where ``learned`` has no
    evidence, or the same everywhere.
    """

    learned: HeatMap
    forgotten: tuple[HeatMap, ...]
    similarities: tuple[float, ...]

    @property
    def similarity(self) -> float | None:
        """The mean over the draws, in [-1, 1]; None without evidence."""
        return float(np.mean(self.similarities)) if self.similarities else None

    @property
    def changes(self) -> bool | None:
        """Whether the map changes when the weights are randomised; None if unknown."""
        return None if self.similarity is None else abs(self.similarity) < ALIKE

    @property
    def verdict(self) -> str:
        """The result as a sentence."""
        if self.changes is None:
            return "The map shows no evidence in this X-ray, so there is nothing to check."
        if self.changes:
            return (
                "The map changes when the weights are randomised, so it depends on what the model "
                "learned."
            )
        return (
            "The map stays much the same when the weights are randomised, so it shows the X-ray "
            "more than what the model learned. Do not rely on it."
        )


def run_sanity_check(
    runtime: Runtime,
    film: NDArray[np.uint8],
    label: int,
    *,
    method: str = "grad_cam",
    layer: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> SanityCheck:
    """Return the map of ``heat_map`` with those of copies with randomised weights.

    All weights, head included, are permuted within their tensors, so that activations keep their
    scale. Five draws from ``seed``, two for a slow method. Arguments, progress and errors are those
    of ``heat_map``; torch's random state is restored.
    """
    draws = _SLOW_DRAWS if find_method(method).slow else _DRAWS
    maps = []
    for number in range(1 + draws):
        asked = _redrawn(runtime, seed + number) if number else runtime
        told = progress and _nth(progress, number, 1 + draws)
        maps.append(heat_map(asked, film, label, method=method, layer=layer, progress=told))
    learned, *forgotten = maps
    return SanityCheck(learned, tuple(forgotten), _similarities(learned, forgotten))


def _similarities(learned: HeatMap, forgotten: list[HeatMap]) -> tuple[float, ...]:
    cells = learned.scaled().ravel()
    if np.ptp(cells) == 0:
        return ()
    return tuple(_correlation(cells, each.scaled().ravel()) for each in forgotten)


def _correlation(learned: NDArray[np.float32], forgotten: NDArray[np.float32]) -> float:
    if np.ptp(forgotten) == 0:
        return 0.0
    from scipy.stats import spearmanr  # takes a second to import

    return float(spearmanr(learned, forgotten).statistic)


def _redrawn(runtime: Runtime, seed: int) -> Runtime:
    generator = torch.Generator().manual_seed(seed)
    members = tuple(
        replace(member, of=_forgetful(member.network, generator), engine=None)
        for member in runtime.members
    )
    return replace(runtime, members=members)


def _forgetful(network: PneumoniaNetwork, generator: torch.Generator) -> PneumoniaNetwork:
    """Return a copy with the values of each tensor permuted."""
    twin = copy.deepcopy(network)
    with torch.no_grad():
        for tensor in twin.state_dict().values():
            order = torch.randperm(tensor.numel(), generator=generator).to(tensor.device)
            tensor.copy_(tensor.flatten()[order].view_as(tensor))
    return twin


def _nth(progress: Progress, number: int, maps: int) -> Progress:
    """Return the progress of the map with this number as progress of all."""
    return lambda done, total: progress(number * total + done, maps * total)
