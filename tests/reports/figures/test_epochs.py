"""A map that moves: every frame has its epoch's points, in the same colours and the same frame."""

import numpy as np
import pandas as pd
import pytest

from pneumo_core.reports.figures import epoch_maps
from tests.evaluation.tables import table

FILMS = table([0, 1] * 10, np.linspace(0, 1, 20).tolist())
POINTS = np.random.default_rng(0).normal(size=(3, 20, 2)).astype(np.float32)
FIGURES = pd.DataFrame(
    {
        "epoch": [1, 3, 5],
        "validation_auc": [0.7, 0.8, float("nan")],
        "purity": [0.6, 0.7, 0.8],
        "purity_on_map": [0.5, 0.6, 0.7],
    }
)


@pytest.mark.parametrize("by", ["label", "probability"])
def test_each_frame_moves_every_film_to_its_epochs_place(by: str) -> None:
    figure = epoch_maps(POINTS, FIGURES, FILMS, FILMS[by], axes=("x", "y"))
    for frame, points in zip(figure.frames, POINTS, strict=True):
        for index, moved in list(zip(frame.traces, frame.data, strict=True))[:-1]:
            rows = figure.data[index].customdata
            assert np.array_equal(np.column_stack([moved.x, moved.y]), points[rows])
    for trace in figure.data[: len(figure.frames[0].data) - 1]:
        assert np.array_equal(np.column_stack([trace.x, trace.y]), POINTS[-1][trace.customdata])


def test_all_epochs_lie_within_the_axes() -> None:
    layout = epoch_maps(POINTS, FIGURES, FILMS, FILMS["label"], axes=("x", "y")).layout
    for number, axis in enumerate((layout.xaxis, layout.yaxis)):
        low, high = axis.range
        assert low < POINTS[:, :, number].min() < POINTS[:, :, number].max() < high


def test_the_slider_tells_each_epoch_and_ends_at_the_last() -> None:
    (slider,) = epoch_maps(POINTS, FIGURES, FILMS, FILMS["label"], axes=("x", "y")).layout.sliders
    assert [step.label for step in slider.steps] == [
        "Epoch 1 · validation AUC 0.700 · purity 0.600",
        "Epoch 3 · validation AUC 0.800 · purity 0.700",
        "Epoch 5 · purity 0.800",
    ]
    assert slider.active == 2


def test_a_selection_is_shown() -> None:
    chosen = np.zeros(20, bool)
    chosen[[2, 7]] = True
    figure = epoch_maps(POINTS, FIGURES, FILMS, FILMS["label"], axes=("x", "y"), chosen=chosen)
    rows = [r for t in figure.data[:2] for r in t.customdata[list(t.selectedpoints)]]
    assert sorted(rows) == [2, 7]
