"""Counts of points, and points in a polygon, against one by one."""

import numpy as np
import pytest
from matplotlib.path import Path

from pneumo_core.embeddings import View, count_points, points_inside

RANDOM = np.random.default_rng(0)
POINTS = RANDOM.normal(size=(20_000, 2)).astype(np.float32)
GROUPS = RANDOM.integers(0, 3, len(POINTS)).astype(np.uint8)


@pytest.mark.parametrize("corners", [3, 5, 40, 400])
def test_what_lies_in_a_polygon_is_what_one_by_one_lies_in_it(corners: int) -> None:
    around = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    far = RANDOM.uniform(0.3, 2, corners)
    polygon = np.column_stack([far * np.cos(around), far * np.sin(around)])
    found = points_inside(POINTS, polygon.tolist())
    assert np.array_equal(found, Path(polygon).contains_points(POINTS))
    assert 100 < found.sum() < len(POINTS)


def test_a_thin_polygon_far_from_all_points_and_no_polygon_hold_nothing() -> None:
    assert not points_inside(POINTS, [(50, 50), (51, 50), (50, 50.001)]).any()
    assert not points_inside(POINTS, [(0, 0), (1, 1)]).any()
    assert not points_inside(POINTS, [(0, 0), (1, 0), (2, 0)]).any(), "it has no area"


def test_every_point_in_view_is_counted_in_its_cell_and_group() -> None:
    view = View(-1, 1, -0.5, 1.5)
    counts = count_points(POINTS, GROUPS, view, (4, 6))
    assert counts.shape == (3, 4, 6)
    assert counts.sum() == view.holds(POINTS).sum()
    x, y = POINTS.T
    top_left = (x >= -1) & (x < -2 / 3) & (y > 1) & (y <= 1.5)
    assert counts[2, 0, 0] == (top_left & (GROUPS == 2)).sum()


def test_the_whole_view_holds_every_point_also_if_there_is_only_one() -> None:
    assert View.of(POINTS).holds(POINTS).all()
    assert View.of(POINTS[:1]).holds(POINTS[:1]).all()
    assert View(0, 2, 0, 4).wider(2) == View(-1, 3, -2, 6)
