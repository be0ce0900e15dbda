"""Maps of X-rays: one or two side by side in one plot, with a shared selection."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from pneumo_core.reports.figures._groups import Group, groups_of, hover_texts
from pneumo_core.reports.figures._style import INK, NO_TICKS, QUIET, bare

__all__ = ["Panel", "embedding_map", "points_trace", "star"]

_NAMED = 20_000
"""Above this size hover texts are omitted and all marks are small discs, to keep the page small and
fast without a graphics card."""


@dataclass(frozen=True, eq=False)
class Panel:
    """A map: title, points float32 (N, 2 or 3), names of the axes."""

    title: str
    points: NDArray[np.float32]
    axes: tuple[str, ...]


def embedding_map(
    panels: Sequence[Panel],
    films: pd.DataFrame,
    by: pd.Series,
    *,
    chosen: NDArray[np.bool_] | None = None,
    marked: Sequence[NDArray[np.float32]] = (),
    drag: str = "lasso",
    height: int = 560,
) -> go.Figure:
    """Draw X-rays (N) on every panel, coloured by ``by``; ``customdata`` is the row.

    ``chosen`` X-rays (N,) stay bright, the others fade; ``marked``: a point on each panel, for a
    X-ray that is not in the table. ``drag``: mouse mode at first, "lasso", or "pan" where a click
    picks an X-ray. Numbers get a colour scale, words a colour and a shape each. Three
    dimensions can be turned, not selected, and stand alone.
    """
    if panels[0].points.shape[1] == 3:
        return _turning(panels[0], films, by, height)
    figure = make_subplots(1, len(panels), subplot_titles=[panel.title for panel in panels])
    told = hover_texts(films) if len(films) <= _NAMED else None
    for column, panel in enumerate(panels, start=1):
        for group in groups_of(by):
            texts = told[group.rows] if told is not None else None
            trace = points_trace(panel.points, group, group.rows, texts, chosen, first=column == 1)
            figure.add_trace(trace, 1, column)
        if marked:
            figure.add_trace(star(marked[column - 1]), 1, column)
        figure.update_xaxes(title_text=panel.axes[0], row=1, col=column)
        figure.update_yaxes(
            title_text=panel.axes[1],
            scaleanchor=f"x{column if column > 1 else ''}",
            row=1,
            col=column,
        )
    bare(figure, height=height, dragmode=drag, showlegend=True)
    figure.update_xaxes(**NO_TICKS)
    figure.update_yaxes(**NO_TICKS)
    return figure.update_layout(
        margin={"t": 56, "b": 8, "l": 8, "r": 8},
        legend={
            "orientation": "h",
            "y": 1.06,
            "yanchor": "bottom",
            "x": 0,
            "itemsizing": "constant",
        },
    )


def points_trace(
    points: NDArray[np.float32],
    group: Group,
    rows: NDArray[np.int32],
    told: NDArray[np.str_] | None,
    chosen: NDArray[np.bool_] | None,
    *,
    first: bool = True,
) -> go.Scattergl:
    """Draw those ``rows`` (n,) of a group that lie on this part of a map (N, 2).

    ``told`` (n,): their hover texts; without these they are small discs. ``chosen`` (N,) stay
    bright. ``first``: whether this is the plot that names the colours.
    """
    marker: dict[str, object] = {"color": group.colour, "size": 3}
    if told is not None:
        marker |= {"symbol": group.symbol, "size": 6}
    if group.scaled:
        values = np.asarray(group.colour)
        marker |= {"color": values[rows], "cmin": np.nanmin(values), "cmax": np.nanmax(values)}
        marker |= {"colorscale": "Viridis", "showscale": first, "colorbar": {"thickness": 12}}
    return go.Scattergl(
        x=points[rows, 0],
        y=points[rows, 1],
        customdata=rows,
        text=told,
        mode="markers",
        marker=marker,
        selectedpoints=None if chosen is None else np.flatnonzero(chosen[rows]),
        unselected={"marker": {"opacity": 0.12}},
        name=group.name,
        legendgroup=group.name,
        showlegend=first and not group.scaled,
        hovertemplate=f"%{{text}}<extra>{group.name}</extra>" if told is not None else None,
    )


def star(point: NDArray[np.float32]) -> go.Scattergl:
    """Draw the point (2,) of an X-ray that is not in the table."""
    return go.Scattergl(
        x=[point[0]],
        y=[point[1]],
        mode="markers",
        marker={"symbol": "star", "size": 18, "color": INK, "line": {"color": "white", "width": 1}},
        name="your X-ray",
        hovertemplate="your X-ray<extra></extra>",
        showlegend=False,
    )


def _turning(panel: Panel, films: pd.DataFrame, by: pd.Series, height: int) -> go.Figure:
    figure = go.Figure()
    told = hover_texts(films)
    for group in groups_of(by):
        marker: dict[str, object] = {"color": group.colour, "size": 3}
        if group.scaled:
            marker |= {"colorscale": "Viridis", "showscale": True}
        x, y, z = panel.points[group.rows].T
        figure.add_scatter3d(
            x=x,
            y=y,
            z=z,
            mode="markers",
            marker=marker,
            name=group.name,
            text=told[group.rows],
            hovertemplate=f"%{{text}}<extra>{group.name}</extra>",
        )
    bare(figure, height=height, showlegend=True, dragmode="orbit")
    titles = dict(zip(("xaxis", "yaxis", "zaxis"), panel.axes, strict=True))
    return figure.update_layout(
        scene={each: {"title": {"text": name}, "color": QUIET} for each, name in titles.items()}
    )
