"""The X-rays of one split, as the training loop uses them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pneumo_core.datasets import Dataset, PixelStore

__all__ = ["Films", "films_of"]


@dataclass(frozen=True)
class Films:
    """The readable X-rays of one split: rows in the store and their labels, both int64 (N,).

    ``lungs``: their lung masks, in the same rows, where training needs them.
    """

    store: PixelStore
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    lungs: PixelStore | None = None

    def __len__(self) -> int:
        return len(self.rows)


def films_of(
    dataset: Dataset, store: PixelStore, split: str, lungs: PixelStore | None = None
) -> Films:
    """Return a split's readable X-rays. Raises DatasetError when the dataset has no such split."""
    films = store.readable(dataset.split(split).films)
    return Films(store, store.rows(films["id"]), films["label"].to_numpy(np.int64), lungs)
