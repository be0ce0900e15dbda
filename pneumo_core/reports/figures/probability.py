"""Plot of one probability."""

import plotly.graph_objects as go

from pneumo_core.metrics import format_rate
from pneumo_core.reports.figures._style import BLUE, INK, PALE

__all__ = ["probability_bar"]

_UNCERTAIN = "#f2c98a"


def probability_bar(
    probability: float, threshold: float, point: str, *, band: tuple[float, float]
) -> go.Figure:
    """Draw a probability on the line from 0 to 1, the operating point as a mark on it.

    ``band``: the probabilities that are called uncertain, shaded.
    """
    figure = go.Figure()
    parts = (
        (0.0, 1.0, PALE, 0.5),
        (band[0], band[1], _UNCERTAIN, 0.8),
        (0.0, probability, BLUE, 0.4),
    )
    for start, end, colour, width in parts:
        figure.add_bar(
            base=[start],
            x=[end - start],
            y=[0],
            orientation="h",
            marker={"color": colour, "line": {"width": 0}},
            width=width,
            hoverinfo="skip",
        )
    figure.add_shape(
        type="line",
        x0=threshold,
        x1=threshold,
        y0=-0.45,
        y1=0.45,
        line={"color": INK, "width": 3, "dash": "dot"},
    )
    figure.add_annotation(
        x=threshold,
        y=0.5,
        text=f"{point} {format_rate(threshold)}",
        showarrow=False,
        yanchor="bottom",
        xanchor=_anchor(threshold),
        font={"size": 13},
    )
    figure.update_layout(
        barmode="overlay",
        showlegend=False,
        height=84,
        margin={"l": 8, "r": 12, "t": 8, "b": 24},
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        xaxis={"range": [0, 1], "tickvals": [0, 0.5, 1], "fixedrange": True, "showgrid": False},
        yaxis={"visible": False, "range": [-0.5, 0.9], "fixedrange": True},
    )
    return figure


def _anchor(threshold: float) -> str:
    """Keep the label inside the plot."""
    if threshold < 0.2:
        return "left"
    return "right" if threshold > 0.8 else "center"
