"""Where a network looked, as a map that can be laid over the film."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["HeatMap"]


@dataclass(frozen=True, eq=False)
class HeatMap:
    """Evidence for ``label`` over a film.

    ``values`` float32 (h, w) on the network's own coarse grid, ≥ 0, in the unit of the method:
    only maps of the same checkpoint and method compare. ``method`` is "Grad-CAM".
    """

    values: NDArray[np.float32]
    label: int
    method: str

    def scaled(self) -> NDArray[np.float32]:
        """Divided by its own maximum: float32 (h, w) in [0, 1]; all 0 where there's no evidence."""
        peak = float(self.values.max(initial=0.0))
        return self.values / np.float32(peak) if peak > 0 else np.zeros_like(self.values)

    def over(self, shape: tuple[int, int]) -> NDArray[np.float32]:
        """``scaled()`` brought bilinearly to a film's (H, W), float32 in [0, 1]."""
        height, width = shape
        coarse = Image.fromarray(self.scaled())  # mode "F"
        return np.array(coarse.resize((width, height), Image.Resampling.BILINEAR))
