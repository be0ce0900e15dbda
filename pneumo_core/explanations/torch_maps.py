"""Heat maps by PyTorch: gradients in any network, at any layer, and perturbations."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pneumo_core.core.progress import Progress
from pneumo_core.errors import PneumoError
from pneumo_core.explanations.gradients import from_layer, from_maps
from pneumo_core.explanations.methods import Score, find_method
from pneumo_core.explanations.network_layers import Layer, find_convolution
from pneumo_core.explanations.perturbation import find_perturbation
from pneumo_core.inference import Member, Runtime
from pneumo_core.models import PneumoniaNetwork

__all__ = ["torch_parts"]

Film: TypeAlias = NDArray[np.uint8]


def torch_parts(
    runtime: Runtime, film: Film, label: int, method: str, layer: str | None, progress: Progress
) -> tuple[NDArray[np.float32], ...]:
    """Return the parts of ``compute.heat_map``, with its arguments. Raises as it does."""
    work = _Work(runtime, film, label, method, _find_layer(runtime, method, layer))
    return work.parts(progress)


@dataclass(frozen=True)
class _Work:
    """The computation of one heat map."""

    runtime: Runtime
    film: Film
    label: int
    method: str
    layer: Layer | None

    def parts(self, progress: Progress) -> tuple[NDArray[np.float32], ...]:
        members = self.runtime.members
        if self.layer:
            members = (members[self.layer.member],)
        views = 2 if self.runtime.mirror else 1
        slow = find_perturbation(self.method)
        passes = sum(slow.passes(each.input.size) if slow else 1 for each in members)
        count = _Count(views * passes, progress)
        return tuple(self._part(member, count) for member in members)

    def _part(self, member: Member, count: "_Count") -> NDArray[np.float32]:
        """Return one network's map (h, w), averaged over the views."""
        maps = list(self._maps(member, count))
        heat = maps[0] if len(maps) == 1 else (maps[0] + maps[1].flip(-1)) / 2
        return np.asarray(heat.cpu().numpy(), dtype=np.float32)

    def _maps(self, member: Member, count: "_Count") -> Iterator[Tensor]:
        """Yield the map of each view."""
        film, network = self.film[np.newaxis], member.network
        slow = find_perturbation(self.method)
        if not slow and not self.layer:
            for last in self.runtime.maps(film, member):
                yield from_maps(network, last, self.label, self.method)
                count.add(1)
            return
        for view in self.runtime.views(film, member):
            if slow:
                yield slow.compute(self._score(network, count), view, self._plain(member))
            elif self.layer:
                yield from_layer(network, view, self.label, self.method, self.layer)
                count.add(1)

    def _score(self, network: PneumoniaNetwork, count: "_Count") -> Score:
        def lead(views: Tensor) -> Tensor:
            logits: Tensor = network(views)
            count.add(len(views))
            return logits[:, self.label] - logits[:, 1 - self.label]

        return lead

    def _plain(self, member: Member) -> Tensor:
        """Return a view of the X-ray's mean grey, rounded so that mirroring keeps it."""
        plain = np.full_like(self.film, round(float(self.film.mean())))
        return self.runtime.views(plain[np.newaxis], member)[0]


class _Count:
    """Progress in X-rays passed through a network."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total = total
        self._progress = progress
        self._done = 0

    def add(self, films: int) -> None:
        self._done += films
        self._progress(self._done, self._total)


def _find_layer(runtime: Runtime, method: str, layer: str | None) -> Layer | None:
    chosen = find_method(method)
    if layer is None:
        return None
    if not chosen.takes_layer:
        raise PneumoError(
            f"{chosen.title} works on the whole network and takes no layer, so not "
            f"'{layer}'. Leave the layer out, or choose another method."
        )
    return find_convolution(runtime, layer)
