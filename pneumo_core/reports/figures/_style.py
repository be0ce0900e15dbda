"""Colours and layout shared by all figures.

Blue and orange are distinguishable with every kind of colour vision (Okabe and Ito 2008); shapes,
dashes and words repeat the information.
"""

from typing import Any

import plotly.graph_objects as go

__all__ = [
    "BLUE",
    "DASHES",
    "GRID",
    "INK",
    "MARK",
    "NO_TICKS",
    "ORANGE",
    "PALE",
    "QUIET",
    "RED",
    "SERIES",
    "bare",
    "diagonal",
    "square",
]

INK = "#14212b"
MARK = "#64788a"
"""Lines that are seen on a light and on a dark page."""
QUIET = "#5a6872"
BLUE = "#0b5c8a"
ORANGE = "#b35900"
RED = "#c8102e"
"""Errors: false alarms and missed pneumonias, the loudest colour of all."""
PALE = "#dde6ec"
GRID = "#e6ecf0"
SERIES = (BLUE, ORANGE, "#00775a", "#8a3d78")
"""Colours of up to four models."""
DASHES = ("solid", "dash", "dot", "dashdot")
"""Dashes of up to four models, so that they do not differ in colour only."""


NO_TICKS = {"fixedrange": False, "showticklabels": False, "zeroline": False, "showgrid": False}
"""Layout of a map's axes, whose numbers mean nothing."""


def bare(figure: go.Figure, *, height: int, **layout: Any) -> go.Figure:
    """Style the figure: no frame, title or legend."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        showlegend=False,
        plot_bgcolor="rgba(0,0,0,0)",
        paper_bgcolor="rgba(0,0,0,0)",
        font={"color": INK, "size": 13},
        hoverlabel={"font": {"size": 13}},
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": MARK, "activecolor": "#2f86ba"},
        dragmode=False,
    )
    figure.update_xaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True, fixedrange=True)
    figure.update_yaxes(gridcolor=GRID, zerolinecolor=GRID, automargin=True, fixedrange=True)
    return figure.update_layout(**layout)


def diagonal(figure: go.Figure) -> go.Figure:
    """Add a pale dashed diagonal behind later traces."""
    return figure.add_scatter(
        x=[0, 1],
        y=[0, 1],
        mode="lines",
        line={"color": PALE, "dash": "dash"},
        hoverinfo="skip",
        showlegend=False,
    )


def square(figure: go.Figure, x: str, y: str, *, height: int = 340) -> go.Figure:
    """Set two axes from 0 to 1 with titles."""
    bare(figure, height=height)
    axis: dict[str, Any] = {"range": [-0.02, 1.02], "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    figure.update_xaxes(title={"text": x, "standoff": 6}, **axis)
    return figure.update_yaxes(title={"text": y, "standoff": 6}, **axis)
