"""Does a map change when the network's weights are randomised?

Adebayo et al. 2018, "Sanity Checks for Saliency Maps", arXiv:1810.03292: a map that looks the same
from a network with random weights shows the film, not what was learned.
"""

import copy
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from pneumo_core.core.progress import Progress
from pneumo_core.explanations.compute import heat_map
from pneumo_core.explanations.methods import find_method
from pneumo_core.explanations.result import HeatMap
from pneumo_core.inference import Runtime
from pneumo_core.models import PneumoniaNetwork

__all__ = ["ALIKE", "Forgotten", "forgets"]

ALIKE = 0.5
"""From this rank correlation on, a map counts as much the same. A convention, not a test: the
cells of a map depend on each other, so no significance can be given."""

_DRAWS, _SLOW_DRAWS = 5, 2


@dataclass(frozen=True, eq=False)
class Forgotten:
    """A map beside those of networks that forgot, one for each draw of weights.

    ``similarities``: Spearman's rank correlation of ``scaled()`` cell by cell, in [-1, 1], for each
    draw; 0 where the network that forgot found nothing. None are given where ``learned`` itself has
    no evidence, or the same everywhere.
    """

    learned: HeatMap
    forgotten: tuple[HeatMap, ...]
    similarities: tuple[float, ...]

    @property
    def similarity(self) -> float | None:
        """The mean over the draws, in [-1, 1]; None where there's nothing to compare."""
        return float(np.mean(self.similarities)) if self.similarities else None

    @property
    def changes(self) -> bool | None:
        """Whether the map changes when the weights are randomised; None where it can't be told."""
        return None if self.similarity is None else abs(self.similarity) < ALIKE

    @property
    def verdict(self) -> str:
        """The answer as a sentence for a reader."""
        if self.changes is None:
            return "The map shows no evidence in this film, so there is nothing to check."
        if self.changes:
            return (
                "The map changes when the weights are randomised, so it depends on what the model "
                "learned."
            )
        return (
            "The map stays much the same when the weights are randomised, so it shows the film "
            "more than what the model learned. Don't rely on it."
        )


def forgets(
    runtime: Runtime,
    film: NDArray[np.uint8],
    label: int,
    *,
    method: str = "grad_cam",
    layer: str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Forgotten:
    """The map of ``heat_map`` beside those of copies of the networks whose weights were redrawn.

    Every weight, head included, is redrawn from its own tensor's values in random order, so that
    activations keep a sensible size. Five draws from ``seed``, two for a slow method. Arguments,
    progress and errors are those of ``heat_map``; torch's random state is left alone.
    """
    draws = _SLOW_DRAWS if find_method(method).slow else _DRAWS
    maps = []
    for number in range(1 + draws):
        asked = _redrawn(runtime, seed + number) if number else runtime
        told = progress and _nth(progress, number, 1 + draws)
        maps.append(heat_map(asked, film, label, method=method, layer=layer, progress=told))
    learned, *forgotten = maps
    return Forgotten(learned, tuple(forgotten), _similarities(learned, forgotten))


def _similarities(learned: HeatMap, forgotten: list[HeatMap]) -> tuple[float, ...]:
    cells = learned.scaled().ravel()
    if np.ptp(cells) == 0:
        return ()
    return tuple(_correlation(cells, each.scaled().ravel()) for each in forgotten)


def _correlation(learned: NDArray[np.float32], forgotten: NDArray[np.float32]) -> float:
    if np.ptp(forgotten) == 0:
        return 0.0
    return float(spearmanr(learned, forgotten).statistic)


def _redrawn(runtime: Runtime, seed: int) -> Runtime:
    generator = torch.Generator().manual_seed(seed)
    members = tuple(
        replace(member, of=_forgetful(member.network, generator), engine=None)
        for member in runtime.members
    )
    return replace(runtime, members=members)


def _forgetful(network: PneumoniaNetwork, generator: torch.Generator) -> PneumoniaNetwork:
    """A copy in which each tensor's values stand in another order."""
    twin = copy.deepcopy(network)
    with torch.no_grad():
        for tensor in twin.state_dict().values():
            order = torch.randperm(tensor.numel(), generator=generator).to(tensor.device)
            tensor.copy_(tensor.flatten()[order].view_as(tensor))
    return twin


def _nth(progress: Progress, number: int, maps: int) -> Progress:
    """Progress of the map of that number, told as progress of all."""
    return lambda done, total: progress(number * total + done, maps * total)
