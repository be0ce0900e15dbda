"""Principal components of features (N, D)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEARNED_FROM", "Floats", "Reduced", "evenly", "principal_components"]

Floats: TypeAlias = NDArray[np.float32]

_COMPONENTS = 50
"""Principal components used by t-SNE and UMAP: more is mostly noise, and slow."""
LEARNED_FROM = 50_000
"""X-rays that components are learned from, evenly chosen, where there are more."""


@dataclass(frozen=True, eq=False)
class Reduced:
    """At most 50 principal components of the features, and how to add X-rays.

    ``values`` float32 (N, 50 or fewer); ``transform`` maps features (n, D) to (n, 50 or fewer).
    """

    values: Floats
    transform: Callable[[Floats], Floats]

    @classmethod
    def of(cls, features: Floats, seed: int) -> "Reduced":
        """Learn the components from features (N, D), and reduce these."""
        fitted = principal_components(features, min(_COMPONENTS, *features.shape), seed)

        def transform(others: Floats) -> Floats:
            return np.ascontiguousarray(fitted.transform(others), dtype=np.float32)

        return cls(transform(features), transform)


def principal_components(features: Floats, components: int, seed: int) -> Any:
    """Fit scikit-learn's PCA, which chooses its solver by the shape."""
    from sklearn.decomposition import PCA

    learned_from = features[evenly(len(features), LEARNED_FROM)]
    return PCA(components, random_state=seed).fit(learned_from)


def evenly(films: int, most: int) -> NDArray[np.int64]:
    """Return the rows of at most ``most`` of so many X-rays, evenly chosen."""
    return np.unique(np.linspace(0, films - 1, min(films, most)).astype(np.int64))
