"""Maps of many X-rays: how many lie where, and which lie in a region drawn by hand."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

__all__ = ["View", "count_points", "points_inside"]

Floats = NDArray[np.float32]
Polygon = Sequence[tuple[float, float]]

_RASTER = 2048
_OUTSIDE, _INSIDE, _EDGE = range(3)


@dataclass(frozen=True)
class View:
    """The part of a map that is looked at, in its coordinates."""

    left: float
    right: float
    bottom: float
    top: float

    @classmethod
    def of(cls, points: Floats) -> "View":
        """Return the part that holds all points (N, 2), with a margin."""
        low, high = points.min(axis=0), points.max(axis=0)
        margin = np.maximum((high - low) * 0.03, 1e-6)
        (left, bottom), (right, top) = low - margin, high + margin
        return cls(float(left), float(right), float(bottom), float(top))

    def wider(self, factor: float) -> "View":
        """Return a view around this one, by a factor wider and higher."""
        across, up = ((factor - 1) / 2 * side for side in self.sides)
        return View(self.left - across, self.right + across, self.bottom - up, self.top + up)

    @property
    def sides(self) -> tuple[float, float]:
        """Width and height."""
        return self.right - self.left, self.top - self.bottom

    def holds(self, points: Floats) -> NDArray[np.bool_]:
        """Return which points (N, 2) lie in it: bool (N,)."""
        x, y = points.T
        inside: NDArray[np.bool_] = (x >= self.left) & (x < self.right)
        inside &= (y >= self.bottom) & (y < self.top)
        return inside


def count_points(
    points: Floats, groups: NDArray[np.uint8], view: View, shape: tuple[int, int]
) -> NDArray[np.int64]:
    """Count the points (N, 2) of each group in the cells of a view: int64 (G, H, W).

    ``groups`` (N,): the group of each point, 0 to G - 1; ``shape``: H and W. The top row is first.
    """
    height, width = shape
    number = int(groups.max()) + 1 if len(groups) else 1
    outside = height * width
    across, up = view.sides
    column = np.floor((points[:, 0] - view.left) * np.float32(width / across))
    row = np.floor((view.top - points[:, 1]) * np.float32(height / up))
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    cell = np.where(inside, row * width + column, outside).astype(np.int32)
    if number > 1:
        cell += groups * np.int32(outside + 1)
    counts = np.bincount(cell, minlength=number * (outside + 1))
    return counts.reshape(number, outside + 1)[:, :-1].reshape(number, height, width)


def points_inside(points: Floats, polygon: Polygon) -> NDArray[np.bool_]:
    """Return which points (N, 2) lie inside a polygon: bool (N,).

    The polygon is drawn as a picture, in which a point is looked up; only those in cells on its
    edge are tested one by one, so that a million points take a fraction of a second.
    """
    corners = np.asarray(polygon, np.float64)
    inside = np.zeros(len(points), bool)
    if len(corners) < 3 or not np.isfinite(corners).all():
        return inside
    low, sides = corners.min(axis=0), np.ptp(corners, axis=0)
    if not (sides > 0).all():
        return inside
    scale = (_RASTER - 1) / sides
    cells = ((points - low) * scale).astype(np.float32)
    near = np.flatnonzero(((cells >= 0) & (cells <= _RASTER - 1)).all(axis=1))
    column, row = np.rint(cells[near]).astype(np.int32).T
    kind = _picture((corners - low) * scale)[row, column]
    inside[near[kind == _INSIDE]] = True
    edge = near[kind == _EDGE]
    inside[edge] = _tested(points[edge], corners)
    return inside


def _picture(corners: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return a polygon's cells, those within one cell of its edge marked as such."""
    picture = Image.new("L", (_RASTER, _RASTER), _OUTSIDE)
    drawn = ImageDraw.Draw(picture)
    outline = [tuple(corner) for corner in corners.tolist()]
    drawn.polygon(outline, fill=_INSIDE)
    drawn.line([*outline, outline[0]], fill=_EDGE, width=5, joint="curve")
    return np.asarray(picture)


def _tested(points: Floats, corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    from matplotlib.path import Path  # slow to import

    found: NDArray[np.bool_] = Path(corners).contains_points(points)
    return found
