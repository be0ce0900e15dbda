"""What a lung finder is, so that another segmentation model can take the place of the shipped one.

Which one is used: ``installed.lung_finder``.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["SIDE", "ConfidenceLimits", "LungFinder"]

SIDE = 112
"""Side of a finder's input, in pixels."""


@dataclass(frozen=True)
class ConfidenceLimits:
    """Confidences in [0, 1] from which lungs count, which differ from finder to finder.

    Attributes:
        possible: as found. Below it, the image has no lungs to frame a network's input by.
        sure: as found without a warning: as on nearly every chest X-ray.

    Raises ValueError unless 0 <= possible <= sure <= 1.
    """

    possible: float = 0.8
    sure: float = 0.9

    def __post_init__(self) -> None:
        if not 0 <= self.possible <= self.sure <= 1:
            raise ValueError(f"need 0 <= possible <= sure <= 1, not {self.possible}, {self.sure}")


class LungFinder(Protocol):
    """Interface of a lung finder."""

    @property
    def identity(self) -> str:
        """Unique name of this finder's masks; part of the cache key of stored inputs."""
        ...

    @property
    def limits(self) -> ConfidenceLimits:
        """Confidences from which this finder's lungs count as found."""
        ...

    def chances(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probability of lung at each pixel of uint8 (N, 112, 112), as float32."""
        ...
