"""Every point of a map is the row it says, in every trace and whatever the colour."""

import numpy as np
import pytest

from pneumo_core.metrics import format_rate
from pneumo_core.reports.figures import Panel, embedding_map
from tests.evaluation.tables import table

FILMS = table([0, 1] * 10, np.linspace(0, 1, 20).tolist())
POINTS = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
PANELS = [Panel("one", POINTS, ("x", "y")), Panel("other", POINTS[::-1].copy(), ("x", "y"))]


@pytest.mark.parametrize("by", ["label", "subtype", "probability"])
def test_a_point_is_its_row(by: str) -> None:
    figure = embedding_map(PANELS, FILMS, FILMS[by])
    per_panel = len(figure.data) // 2
    for number, trace in enumerate(figure.data):
        points = PANELS[number // per_panel].points
        assert np.array_equal(np.column_stack([trace.x, trace.y]), points[trace.customdata])
        for name, row in zip(trace.text, trace.customdata, strict=True):
            assert name.split("<br>")[0] == FILMS["id"].iloc[row].split("/")[-1]
            assert f"P {format_rate(FILMS['probability'].iloc[row])}" in name
    shown = [row for trace in figure.data[:per_panel] for row in trace.customdata]
    assert sorted(shown) == list(range(20))


@pytest.mark.parametrize("by", ["label", "subtype", "probability"])
def test_a_selection_stays_when_the_colour_changes(by: str) -> None:
    chosen = np.zeros(20, bool)
    chosen[[2, 7, 11]] = True
    figure = embedding_map(PANELS[:1], FILMS, FILMS[by], chosen=chosen)
    rows = [r for trace in figure.data for r in trace.customdata[list(trace.selectedpoints)]]
    assert sorted(rows) == [2, 7, 11]


def test_many_films_travel_light() -> None:
    n = 6000
    films = table([0, 1] * (n // 2), [0.5] * n)
    points = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    figure = embedding_map([Panel("map", points, ("x", "y"))], films, films["label"])
    assert len(figure.to_json()) < 1_000_000


def test_three_dimensions_stand_alone() -> None:
    points = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
    figure = embedding_map([Panel("map", points, ("x", "y", "z"))], FILMS, FILMS["label"])
    assert {trace.type for trace in figure.data} == {"scatter3d"}


def test_a_column_of_many_words_keeps_every_film_and_few_colours() -> None:
    films = table([0, 1] * 10, np.linspace(0, 1, 20).tolist())
    by = films["id"].rename("patient")
    figure = embedding_map(PANELS[:1], films, by)
    assert figure.data[0].name == "others (8)"
    assert len(figure.data) == 13
    assert sorted(row for trace in figure.data for row in trace.customdata) == list(range(20))
