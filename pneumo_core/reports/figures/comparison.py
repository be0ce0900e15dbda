"""Plots that compare two models on the same X-rays."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from pneumo_core.metrics import format_rate
from pneumo_core.reports.figures._style import BLUE, MARK, ORANGE, diagonal, square

__all__ = ["probability_scatter"]

_MARKS = ((0, "NORMAL", BLUE, "circle"), (1, "PNEUMONIA", ORANGE, "triangle-up"))


def probability_scatter(
    table: pd.DataFrame,
    names: tuple[str, str],
    thresholds: tuple[float, float],
    *,
    drag: str = "lasso",
) -> go.Figure:
    """Draw each X-ray's probability by one model against the other's, selectable.

    ``table``: columns label, first, second; its row number is the point's ``customdata``.
    ``drag``: what the mouse does at first, "lasso", or "pan" where a click picks an X-ray.
    """
    figure = go.Figure()
    diagonal(figure)
    for label, name, colour, symbol in _MARKS:
        rows = np.flatnonzero(table["label"] == label).astype(np.int32)
        figure.add_scattergl(
            x=table["first"].to_numpy(np.float32)[rows],
            y=table["second"].to_numpy(np.float32)[rows],
            customdata=rows,
            mode="markers",
            name=name,
            marker={"color": colour, "symbol": symbol, "size": 8, "opacity": 0.6},
            text=_hover_texts(table.iloc[rows]),
            hovertemplate=f"{name}: %{{text}}<extra></extra>",
        )
    square(figure, f"{names[0]}: probability", f"{names[1]}: probability", height=480)
    line = {"color": MARK, "width": 1.5, "dash": "dot"}
    figure.add_vline(thresholds[0], line=line)
    figure.add_hline(thresholds[1], line=line)
    figure.update_xaxes(fixedrange=False)
    figure.update_yaxes(fixedrange=False)
    return figure.update_layout(
        dragmode=drag,
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )


def _hover_texts(films: pd.DataFrame) -> list[str]:
    """Return both probabilities of each X-ray as text."""
    pairs = zip(films["first"], films["second"], strict=True)
    return [f"{format_rate(first)}, {format_rate(second)}" for first, second in pairs]
