"""A rectangle on an X-ray, in fractions of its height and width."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Box", "box_around"]


@dataclass(frozen=True)
class Box:
    """Edges as fractions of the X-ray's height and width: 0 is the top or left edge, 1 the other.

    A box may reach beyond the X-ray.
    """

    top: float
    left: float
    bottom: float
    right: float

    @property
    def height(self) -> float:
        """Share of the X-ray's height."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Share of the X-ray's width."""
        return self.right - self.left

    def widened(self, factor: float) -> "Box":
        """Return the box enlarged by ``factor`` on both sides, around the same centre."""
        down, across = self.height * (factor - 1) / 2, self.width * (factor - 1) / 2
        return Box(self.top - down, self.left - across, self.bottom + down, self.right + across)


def box_around(chances: NDArray[np.float32]) -> Box | None:
    """Return the box around the pixels (H, W) above 0.5; None if there are none.

    An edge is where the largest value of a row or column crosses 0.5, interpolated linearly between
    the centres of two pixels.
    """
    rows, columns = _crossings(chances.max(axis=1)), _crossings(chances.max(axis=0))
    if rows is None or columns is None:
        return None
    return Box(rows[0], columns[0], rows[1], columns[1])


def _crossings(profile: NDArray[np.float32]) -> tuple[float, float] | None:
    """Return the first and last crossing of 0.5 of a profile, as fractions of its length."""
    above = np.flatnonzero(profile > 0.5)
    if not len(above):
        return None
    n = len(profile)
    return _edge(profile, int(above[0])) / n, 1 - _edge(profile[::-1], n - 1 - int(above[-1])) / n


def _edge(profile: NDArray[np.float32], first: int) -> float:
    """Return the crossing before ``first`` in pixels, whose centre is at first + 0.5."""
    if first == 0:
        return 0.0
    low, high = float(profile[first - 1]), float(profile[first])
    return first - 0.5 + (0.5 - low) / (high - low)
