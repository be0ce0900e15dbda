"""What can be clicked says what lies behind it, and pictures are files of their kind."""

from io import BytesIO

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from pneumo_core.evaluation import Study, compare, slices
from pneumo_core.metrics import Confusion, bin_of
from pneumo_core.reports.figures import (
    BARS,
    CELLS,
    PLOTS,
    confusion_matrix,
    in_corner,
    interactive,
    probability_histogram,
    probability_scatter,
    still,
    subgroup_dots,
    to_html,
)
from pneumo_core.reports.figures._style import RED
from tests.evaluation.tables import scores, table

LABELS = [0, 0, 1, 1, 1]
P = [0.1, 0.7, 0.3, 0.8, 1.0]


@pytest.fixture
def study() -> Study:
    return Study(scores(LABELS, P))


def test_each_cell_names_itself_and_its_count() -> None:
    figure = confusion_matrix(Confusion(tn=1, fp=2, fn=3, tp=4), "fn")
    cells = {trace.customdata[0][0]: trace for trace in figure.data}
    assert tuple(cells) == CELLS
    assert "<b>3</b>" in cells["fn"].text[0]
    assert "42.9 %" in cells["fn"].text[0], "of the X-rays with pneumonia"
    assert cells["fn"].marker.line.width > cells["tp"].marker.line.width


def test_bars_hold_every_film_and_name_their_bounds() -> None:
    figure = probability_histogram(np.array(LABELS), np.array(P), 0.5)
    ill, normal = (trace for trace in figure.data if trace.name)
    assert sum(ill.text) == 3
    assert sum(normal.text) == 2
    where = bin_of(np.array(P), BARS)
    for trace, label, sign in ((ill, 1, 1), (normal, 0, -1)):
        bars = zip(trace.y, trace.text, trace.customdata, strict=True)
        for height, count, (of, number) in bars:
            assert of == label
            assert count == np.sum((where == number) & (np.array(LABELS) == label))
            assert height == pytest.approx(sign * count**0.5)


def test_the_errors_of_a_histogram_are_drawn_over_it_in_red() -> None:
    """0.3 with pneumonia is missed at 0.5, 0.7 without it is a false alarm."""
    figure = probability_histogram(np.array(LABELS), np.array(P), 0.5)
    red = [trace for trace in figure.data if trace.marker.color == RED]
    assert [int(np.flatnonzero(trace.text)[0]) for trace in red] == [6, 14]
    assert [sum(trace.text) for trace in red] == [1, 1]


def test_the_count_axis_has_no_negative_number() -> None:
    figure = probability_histogram(np.array(LABELS * 50), np.array(P * 50), 0.5)
    assert set(figure.layout.yaxis.ticktext) >= {"0", "50"}
    assert not any(each.startswith("-") for each in figure.layout.yaxis.ticktext)


def test_the_corner_of_a_roc_plot_is_offered_where_the_operating_points_are_in_it() -> None:
    assert in_corner([(0.1, 0.95), None])
    assert not in_corner([(0.1, 0.95), (0.4, 0.99)])
    assert not in_corner([(0.1, 0.6)])


def test_a_subgroup_unlike_the_rest_looks_unlike_the_rest() -> None:
    films = table(
        [0] * 80 + [1] * 4, [0.1] * 40 + [0.9] * 40 + [0.8] * 4, site=["a"] * 40 + ["b"] * 44
    )
    figure = subgroup_dots(slices(films, 0.5, ["site"]))
    odd = {trace.y[0] for trace in figure.data if trace.marker.symbol == "diamond"}
    assert odd == {"a (40)", "b (44)"}
    assert [trace.y[0] for trace in figure.data if trace.text == ("not applicable",)] == ["a (40)"]


def test_a_point_of_the_scatter_is_a_row_of_its_table() -> None:
    compared = compare(scores(LABELS, P), scores(LABELS, P[::-1]), (0.5, 0.5))
    figure = probability_scatter(compared.table, ("a", "b"), (0.5, 0.5))
    for trace in figure.data[1:]:
        rows = compared.table.iloc[trace.customdata]
        assert rows["first"].to_numpy() == pytest.approx(trace.x)
        assert rows["second"].to_numpy() == pytest.approx(trace.y)
    assert sum(len(trace.x) for trace in figure.data[1:]) == len(LABELS)


@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_is_a_picture_and_a_page(study: Study, name: str) -> None:
    with Image.open(BytesIO(still(study, 0.5, name, "png"))) as picture:
        assert picture.size == (1200, 1050)
    assert still(study, 0.5, name, "svg").lstrip().startswith(b"<?xml")
    assert isinstance(interactive(study, 0.5, name), go.Figure)


def test_the_same_study_gives_the_same_bytes(study: Study) -> None:
    assert still(study, 0.5, "roc", "svg") == still(study, 0.5, "roc", "svg")


@pytest.mark.parametrize("name", PLOTS)
def test_one_class_alone_can_be_drawn(name: str) -> None:
    study = Study(scores([1, 1], [0.2, 0.9]))
    assert still(study, 0.5, name, "png").startswith(b"\x89PNG")
    interactive(study, 0.5, name)


def test_a_page_offers_to_send_nothing_anywhere(study: Study) -> None:
    page = to_html(interactive(study, 0.5, "roc")).decode()
    assert '"showSendToCloud": false' in page
    assert "<script src=" not in page, "plotly travels with it"
