"""Whether the finest detail of a network's input tells the label.

The lungs' box is brought to one size. Where it covers fewer pixels of the X-ray than that, it is
enlarged, and its finest detail is missing. If X-rays of one label have smaller boxes, the network
can tell the label by this alone. A smaller input hides it.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pneumo_core.core.progress import Progress
from pneumo_core.datasets import SPLITS, Dataset, open_store
from pneumo_core.evaluation.shortcuts.audit import separation
from pneumo_core.evaluation.shortcuts.comparisons import Separation
from pneumo_core.evaluation.shortcuts.pixels import fine_detail
from pneumo_core.evaluation.shortcuts.properties import Property
from pneumo_core.lungs import NetworkInput
from pneumo_core.models import Framing

__all__ = ["audit_input_detail", "finest_detail"]

_FINEST, _COARSE = (0.4, 0.5), (0.05, 0.1)
"""Bands for ``fine_detail``."""


def audit_input_detail(
    dataset: Dataset, sizes: Sequence[int], *, progress: Progress | None = None
) -> list[Separation]:
    """Measure how well the finest detail of the lungs' box predicts the label, for input sizes.

    The framed X-rays are kept in the cache, as training does. ``sizes``: sides of the network's
    input in pixels. Returns one result per size and split, in this order. Raises DatasetError if
    the cache can't be written or no X-ray can be read.
    """
    found = []
    for size in sizes:
        store = open_store(dataset, NetworkInput(size, Framing()), progress=progress)
        films = store.readable(dataset.as_found().films)
        pixels, rows = store.pixels, store.rows(films["id"])
        prop = _property(size)
        films = films.assign(**{prop.key: [finest_detail(pixels[row]) for row in rows]})
        found += [
            separation(films[films["split"] == split], prop, split)
            for split in SPLITS
            if films.loc[films["split"] == split, "label"].nunique() == 2
        ]
    return found


def finest_detail(pixels: NDArray[np.uint8]) -> float:
    """Return the power of the finest detail of uint8 (S, S) relative to coarse detail, in decibels.

    NaN for a picture without detail.
    """
    return fine_detail(pixels.astype(np.float64), _FINEST, _COARSE)


def _property(size: int) -> Property:
    return Property(
        key=f"input_detail_{size}",
        title=f"Finest detail of the input, {size} pixels",
        noun=f"the finest detail of an input of {size} pixels",
        text=lambda value: f"{value:.1f} dB",
        means="The box around the lungs is enlarged more often in X-rays of one label.",
        remedy="Train with a smaller input, at which every box is made smaller.",
        disease="Opacities hide fine detail, too.",
    )
