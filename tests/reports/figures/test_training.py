"""Curves of runs."""

import pandas as pd

from pneumo_core.reports.figures.training import LearningCurve, area_curves, loss_curves


def run(name: str, areas: list[float]) -> LearningCurve:
    epochs = range(1, len(areas) + 1)
    table = pd.DataFrame({"epoch": epochs, "val_loss": [0.3] * len(areas), "val_auc": areas})
    losses = pd.DataFrame({"epoch": [0.5, 1.0, 1.5], "loss": [3.0, 1.0, 2.0]})
    return LearningCurve(name, losses, table)


def test_each_run_has_a_line_of_its_own() -> None:
    runs = [run(str(number), [0.8, 0.9]) for number in range(6)]
    lines = [(each.line.color, each.line.dash) for each in area_curves(runs).data]
    assert len(set(lines)) == 6
    assert [each.name for each in area_curves(runs).data] == list("012345")


def test_the_loss_is_drawn_where_it_was_measured() -> None:
    training, validation = loss_curves([run("mine", [0.8])]).data
    assert list(training.x) == [0.5, 1.0, 1.5]
    assert list(training.y) == [3.0, 1.0, 2.0], "a short line is not smoothed"
    assert list(validation.x) == [1]


def test_the_axis_holds_every_area_and_ends_at_one() -> None:
    low, high = area_curves([run("mine", [0.7, 1.0])]).layout.yaxis.range
    assert low < 0.7
    assert 1 < high < 1.1
    low, high = area_curves([run("new", [])]).layout.yaxis.range
    assert low < 0.5 < 1 < high
