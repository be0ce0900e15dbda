"""Colour is never the only sign: what a figure tells apart, it tells apart in grey too."""

from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from pneumo_core.evaluation import Study, compare
from pneumo_core.reports.figures import (
    SERIES,
    Panel,
    embedding_map,
    grey_histogram,
    images_per_split,
    probability_scatter,
    receiver_operating_characteristic,
)
from pneumo_core.reports.figures.training import LearningCurve, area_curves, loss_curves
from tests.evaluation.tables import scores, table

ROOT = Path(__file__).parents[3]


def _splits() -> go.Figure:
    counts = {"split": ["train", "test", "all"], "films": 9, "patients": 9, "NORMAL": 3}
    counts |= {"PNEUMONIA": 6, "ratio": 2.0, "bacteria": 3, "virus": 2, "none": 1}
    return images_per_split(pd.DataFrame(counts))


def _curves() -> go.Figure:
    study = Study(scores([0, 0, 1, 1, 1], [0.1, 0.7, 0.3, 0.8, 1.0]))
    assert study.roc is not None
    lines = [(str(number), colour, study.roc, None) for number, colour in enumerate(SERIES)]
    return receiver_operating_characteristic(lines)


def _runs() -> list[LearningCurve]:
    losses = pd.DataFrame({"epoch": [0.5, 1.0], "loss": [1.0, 0.5]})
    epochs = pd.DataFrame({"epoch": [1], "val_loss": [0.4], "val_auc": [0.9]})
    return [LearningCurve(str(number), losses, epochs) for number in range(4)]


def _map() -> go.Figure:
    films = table([0, 1] * 20, np.linspace(0, 1, 40).tolist())
    words = pd.Series([f"word {number % 14}" for number in range(40)])
    points = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    return embedding_map([Panel("one", points, ("x", "y"))], films, words)


def _two_checkpoints() -> go.Figure:
    first, other = scores([0, 1, 1], [0.1, 0.7, 0.9]), scores([0, 1, 1], [0.2, 0.4, 0.8])
    return probability_scatter(compare(first, other, (0.5, 0.5)).table, ("a", "b"), (0.5, 0.5))


FIGURES = {
    "X-rays per split": _splits,
    "grey values": lambda: grey_histogram(np.ones((2, 256), np.int64)),
    "ROC curves": _curves,
    "losses": lambda: loss_curves(_runs()),
    "areas": lambda: area_curves(_runs()),
    "a map of fourteen words": _map,
    "two checkpoints": _two_checkpoints,
}


def in_grey(trace: go.Figure) -> tuple[str, ...]:
    """All that is left of how a trace looks once colour is gone."""
    drawn = trace.to_plotly_json()
    marker, line = drawn.get("marker", {}), drawn.get("line", {})
    pattern = marker.get("pattern", {}).get("shape")
    return tuple(
        map(
            str, (drawn["type"], drawn.get("mode"), line.get("dash"), marker.get("symbol"), pattern)
        )
    )


@pytest.mark.parametrize("name", FIGURES)
def test_what_has_a_name_of_its_own_looks_unlike_the_rest_without_colour(name: str) -> None:
    named = [trace for trace in FIGURES[name]().data if trace.name]
    assert len({trace.name for trace in named}) > 1
    looks = {trace.name: in_grey(trace) for trace in named}
    assert len(set(looks.values())) == len(looks), looks
