"""How much of a network's heat maps lies inside the lungs, for its card."""

from collections.abc import Mapping, Sequence

import numpy as np

from pneumo_core.core.labels import PNEUMONIA
from pneumo_core.core.progress import Progress
from pneumo_core.datasets import Dataset
from pneumo_core.explanations import METHODS, heat_map, placed
from pneumo_core.inference import Runtime

__all__ = ["MAPPED", "inside_lungs"]

MAPPED = 100
"""Most X-rays that are mapped: their mean is known to about 0.02, and each takes three maps."""


def inside_lungs(
    networks: Sequence[tuple[Runtime, Sequence[str]]],
    dataset: Dataset,
    progress: Progress | None = None,
) -> Mapping[str, float]:
    """Return the mean share of heat maps for PNEUMONIA inside the lungs, for each quick method.

    ``networks``: each with the ids of X-rays with that label that it never saw; all take the same
    input. Empty maps don't count; a method whose maps are all empty is left out.
    """
    quick = [method.name for method in METHODS.values() if not method.slow]
    chosen = [
        (runtime, film_id)
        for runtime, ids in networks
        for film_id in _spread(ids, MAPPED // len(networks))
    ]
    shares: dict[str, list[float]] = {method: [] for method in quick}
    for done, (runtime, film_id) in enumerate(chosen, 1):
        radiograph = dataset.source.radiograph(film_id)
        for method in quick:
            heat = heat_map(runtime, runtime.input(radiograph), PNEUMONIA, method=method)
            shares[method].append(placed(heat, radiograph, runtime.input).inside_lungs or 0.0)
        if progress:
            progress(done, len(chosen))
    means = {method: float(np.nanmean(each)) for method, each in shares.items() if _known(each)}
    return means


def _known(shares: Sequence[float]) -> bool:
    return bool(np.isfinite(shares).any())


def _spread(ids: Sequence[str], most: int) -> list[str]:
    """At most so many ids, evenly spread."""
    places = np.linspace(0, len(ids) - 1, min(most, len(ids))).round().astype(int)
    return [ids[place] for place in dict.fromkeys(places.tolist())]
