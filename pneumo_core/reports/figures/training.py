"""Learning curves of training runs: loss within and AUC after each epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from pneumo_core.reports.figures._style import DASHES, SERIES, bare

__all__ = ["LearningCurve", "area_curves", "learning_rate_curves", "loss_curves", "rate_curves"]

_MARKS = ("circle-open", "diamond-open", "square-open", "triangle-up-open")


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Curves of a run: ``losses`` with the columns epoch (in fractions) and loss, ``epochs`` with
    the columns of ``EpochReport``."""

    name: str
    losses: pd.DataFrame
    epochs: pd.DataFrame


def loss_curves(runs: Sequence[LearningCurve]) -> go.Figure:
    """Draw training loss as a line and validation loss as marks after each epoch."""
    figure = go.Figure()
    for number, run in enumerate(runs):
        line = _line(number)
        figure.add_scatter(
            x=run.losses["epoch"],
            y=_smoothed(run.losses["loss"]),
            mode="lines",
            name=run.name,
            line=line,
            hovertemplate="epoch %{x:.2f}: training loss %{y:.3f}",
        )
        figure.add_scatter(
            x=run.epochs["epoch"],
            y=run.epochs["val_loss"],
            mode="markers",
            name=f"{run.name}, validation",
            marker={"color": line["color"], "symbol": _mark(number), "size": 8},
            hovertemplate="epoch %{x}: validation loss %{y:.3f}",
            showlegend=False,
        )
    return _by_epoch(figure, "Loss (line: training, marks: validation)")


def area_curves(runs: Sequence[LearningCurve]) -> go.Figure:
    """Draw validation AUC after each epoch."""
    figure = _lines(runs, "val_auc", "AUC %{y:.4f}")
    _by_epoch(figure, "Validation AUC")
    areas = pd.concat([run.epochs["val_auc"] for run in runs]) if runs else pd.Series(dtype=float)
    lowest = float(areas.min()) if len(areas) else 0.5
    return _up_to_one(figure, lowest)


def rate_curves(runs: Sequence[LearningCurve]) -> go.Figure:
    """Draw validation sensitivity (filled marks) and specificity (open marks) at 0.5."""
    figure = go.Figure()
    lowest = 1.0
    for number, run in enumerate(runs):
        line = _line(number)
        for column, title in (
            ("val_sensitivity", "sensitivity"),
            ("val_specificity", "specificity"),
        ):
            open_mark = column == "val_specificity"
            symbol = _mark(number) if open_mark else _mark(number).removesuffix("-open")
            figure.add_scatter(
                x=run.epochs["epoch"],
                y=run.epochs[column],
                mode="lines+markers",
                name=f"{run.name}, {title}",
                line=line | {"width": 1.2 if open_mark else 2.4},
                marker={"symbol": symbol, "size": 8},
                hovertemplate=f"epoch %{{x}}: {title} %{{y:.3f}}",
                showlegend=False,
            )
            lowest = min([lowest, *run.epochs[column].dropna()])
    _by_epoch(figure, "Sensitivity ●, specificity ○ at 0.5")
    return _up_to_one(figure, lowest)


def learning_rate_curves(runs: Sequence[LearningCurve]) -> go.Figure:
    """Draw the learning rate after each epoch."""
    figure = _lines(runs, "learning_rate", "learning rate %{y:.2g}").update_traces(showlegend=False)
    _by_epoch(figure, "Learning rate")
    return figure.update_yaxes(rangemode="tozero", tickformat="~g", exponentformat="power")


def _lines(runs: Sequence[LearningCurve], column: str, value: str) -> go.Figure:
    """Draw a line with marks for each run; ``value``: what is said of a point after its epoch."""
    figure = go.Figure()
    for number, run in enumerate(runs):
        figure.add_scatter(
            x=run.epochs["epoch"],
            y=run.epochs[column],
            mode="lines+markers",
            name=run.name,
            line=_line(number),
            marker={"symbol": _mark(number), "size": 8},
            hovertemplate=f"epoch %{{x}}: {value}",
        )
    return figure


def _up_to_one(figure: go.Figure, lowest: float) -> go.Figure:
    """Let the axis of a rate end at 1, with just enough room for the marks."""
    margin = max(0.005, (1 - lowest) / 20)
    return figure.update_yaxes(range=[lowest - margin, 1 + margin / 2])


def _line(number: int) -> dict[str, str]:
    """Return colour and dash of a run; after four runs the pairs change."""
    turn = number // len(SERIES)
    return {
        "color": SERIES[number % len(SERIES)],
        "dash": DASHES[(number + turn) % len(DASHES)],
    }


def _mark(number: int) -> str:
    return _MARKS[number % len(_MARKS)]


def _smoothed(losses: pd.Series) -> pd.Series:
    """Smooth the loss by a moving average over a fiftieth of the line."""
    return losses.rolling(max(1, len(losses) // 50), min_periods=1, center=True).mean()


def _by_epoch(figure: go.Figure, title: str) -> go.Figure:
    bare(figure, height=280, hovermode="closest")
    last = max((max(each.x) for each in figure.data if len(each.x)), default=1)
    figure.update_xaxes(
        title={"text": "Epoch", "standoff": 12}, range=[0, max(1.0, float(last)) * 1.04]
    )
    figure.update_yaxes(title={"text": title, "standoff": 12})
    return figure.update_layout(
        showlegend=len([each for each in figure.data if each.showlegend is not False]) > 1,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
