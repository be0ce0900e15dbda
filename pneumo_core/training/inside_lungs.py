"""Share of a network's heat maps inside the lungs, computed for its card."""

from collections.abc import Mapping, Sequence

import numpy as np

from pneumo_core.core.labels import PNEUMONIA
from pneumo_core.core.progress import Progress
from pneumo_core.datasets import Dataset
from pneumo_core.explanations import METHODS, heat_map, place_on_image
from pneumo_core.inference import Runtime

__all__ = ["MAPPED", "inside_lungs"]

MAPPED = 100
"""The most X-rays to map: enough to estimate the mean within about 0.02; each takes three maps."""


def inside_lungs(
    networks: Sequence[tuple[Runtime, Sequence[str]]],
    dataset: Dataset,
    progress: Progress | None = None,
) -> Mapping[str, float]:
    """Return the mean share of heat maps for PNEUMONIA inside the lungs, for each fast method.

    ``networks``: each with the ids of unseen X-rays with that label; all have the same input
    format. Empty maps, and X-rays without lungs that were found, are ignored; a method without any
    other is left out.
    """
    quick = [method.name for method in METHODS.values() if not method.slow]
    chosen = [
        (runtime, film_id)
        for runtime, ids in networks
        for film_id in _pick_evenly(ids, MAPPED // len(networks))
    ]
    shares: dict[str, list[float]] = {method: [] for method in quick}
    for done, (runtime, film_id) in enumerate(chosen, 1):
        radiograph = dataset.source.radiograph(film_id)
        for method in quick:
            heat = heat_map(runtime, runtime.input(radiograph), PNEUMONIA, method=method)
            share = place_on_image(heat, radiograph, runtime.input).inside_lungs
            if share is not None:
                shares[method].append(share)
        if progress:
            progress(done, len(chosen))
    found = {method: each for method, each in shares.items() if np.isfinite(each).any()}
    return {method: float(np.nanmean(each)) for method, each in found.items()}


def _pick_evenly(ids: Sequence[str], most: int) -> list[str]:
    """Return at most so many ids, evenly spaced."""
    places = np.linspace(0, len(ids) - 1, min(most, len(ids))).round().astype(int)
    return [ids[place] for place in dict.fromkeys(places.tolist())]
