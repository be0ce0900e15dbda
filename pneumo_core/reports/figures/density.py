"""Maps of many X-rays: a picture of their density, and points where few are in view."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.colors import hex_to_rgb, sample_colorscale, unlabel_rgb

from pneumo_core.embeddings import View, count_points
from pneumo_core.imaging import png
from pneumo_core.reports.figures._groups import Group, groups_of, hover_texts
from pneumo_core.reports.figures._style import MARK, NO_TICKS, bare
from pneumo_core.reports.figures.embedding import Panel, points_trace, star

__all__ = ["Coloured", "density_map"]

_CELLS, _FEW_CELLS = (512, 720), (256, 360)
_MANY = 50_000
"""X-rays in view from which cells are small: few points in small cells are hard to see."""
_POINTS = 3000
"""X-rays in view up to which each is a point, with its name."""
_AROUND = 1.4
"""Drawn part of the map, as a multiple of the view: what a short move of the map uncovers."""
_FAINTEST = 0.25
_UNCHOSEN = 0.2
"""Opacity of what is not selected, as a multiple."""
_SHADES = 12


@dataclass(frozen=True, eq=False)
class Coloured:
    """X-rays grouped by a column: each one's group or shade uint8 (N,), the colours (G, 3)."""

    groups: tuple[Group, ...]
    number: NDArray[np.uint8]
    palette: NDArray[np.uint8]

    @classmethod
    def by(cls, column: pd.Series) -> "Coloured":
        """Group the X-rays by a column (N,)."""
        groups = tuple(groups_of(column))
        if groups[0].scaled:
            colours = sample_colorscale("Viridis", _SHADES)
            return cls(groups, _shades(np.asarray(groups[0].colour)), _palette(colours))
        number = np.zeros(len(column), np.uint8)
        for each, group in enumerate(groups):
            number[group.rows] = each
        return cls(groups, number, _palette([str(group.colour) for group in groups]))


def density_map(
    panel: Panel,
    films: pd.DataFrame,
    coloured: Coloured,
    view: View,
    *,
    chosen: NDArray[np.bool_] | None = None,
    marked: NDArray[np.float32] | None = None,
    drag: str = "lasso",
    height: int = 560,
) -> go.Figure:
    """Draw the part of a map that ``view`` shows, and some of what surrounds it.

    Up to 3,000 X-rays in view are points, as in ``embedding_map``; more are a picture, in which a
    cell has the mean colour of its X-rays and is the more opaque the more there are. ``chosen``
    X-rays (N,) stay bright; ``marked``: a point (2,) for another X-ray.
    """
    around = view.wider(_AROUND)
    inside = around.holds(panel.points)
    figure = go.Figure()
    if int(inside.sum()) <= _POINTS:
        for group in coloured.groups:
            rows = group.rows[inside[group.rows]]
            told = hover_texts(films.iloc[rows])
            figure.add_trace(points_trace(panel.points, group, rows, told, chosen))
    else:
        figure.add_layout_image(_image(panel.points, coloured, around, view, chosen))
        _add_legend(figure, coloured.groups)
    _add_corners(figure, view)
    if marked is not None:
        figure.add_trace(star(marked))
    bare(figure, height=height, dragmode=drag, showlegend=True)
    figure.update_xaxes(title_text=panel.axes[0], range=[view.left, view.right], **NO_TICKS)
    figure.update_yaxes(title_text=panel.axes[1], range=[view.bottom, view.top], **NO_TICKS)
    legend = {"orientation": "h", "y": 1.01, "yanchor": "bottom", "x": 0, "itemsizing": "constant"}
    legend |= {"itemclick": False, "itemdoubleclick": False}
    return figure.update_layout(
        title={"text": panel.title, "font": {"size": 14}, "x": 0, "y": 0.99, "yanchor": "top"},
        margin={"t": 72, "b": 8, "l": 8, "r": 8},
        legend=legend,
    )


def _shades(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the shade of each value (N,), 0 to 11, from the least to the greatest."""
    low, high = np.nanmin(values), np.nanmax(values)
    share = np.nan_to_num((values - low) / max(float(high - low), 1e-12))
    return np.asarray((share * _SHADES).clip(0, _SHADES - 1), np.uint8)


def _palette(colours: Sequence[str]) -> NDArray[np.uint8]:
    numbers = [hex_to_rgb(c) if c.startswith("#") else unlabel_rgb(c) for c in colours]
    return np.array(numbers, np.uint8)


def _image(
    points: NDArray[np.float32],
    coloured: Coloured,
    around: View,
    view: View,
    chosen: NDArray[np.bool_] | None,
) -> dict[str, object]:
    """Return plotly's layout image of the density in a part of the map."""
    cells = _CELLS if int(view.holds(points).sum()) >= _MANY else _FEW_CELLS
    if chosen is None:
        picture = _shaded(count_points(points, coloured.number, around, cells), coloured.palette)
    else:
        rest, bright = (
            _shaded(count_points(points[r], coloured.number[r], around, cells), coloured.palette)
            for r in (~chosen, chosen)
        )
        rest[..., 3] = (rest[..., 3] * _UNCHOSEN).astype(np.uint8)
        picture = np.where(bright[..., 3:] > 0, bright, rest)
    width, height = around.sides
    return {
        "source": _as_png(picture),
        "xref": "x",
        "yref": "y",
        "x": around.left,
        "y": around.top,
        "sizex": width,
        "sizey": height,
        "sizing": "stretch",
        "layer": "below",
    }


def _shaded(counts: NDArray[np.int64], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the groups' mean colour in each cell, uint8 (H, W, 4), for counts (G, H, W).

    The opacity goes with the logarithm of the count.
    """
    total = counts.sum(axis=0)
    picture = np.zeros((*total.shape, 4), np.uint8)
    filled = total > 0
    number = total[filled].astype(np.float32)
    if not len(number):
        return picture
    shares = counts[:, filled].T / number[:, np.newaxis]
    opacity = _FAINTEST + (1 - _FAINTEST) * np.log1p(number) / np.log1p(number.max())
    picture[filled, :3] = shares @ palette[: len(counts)]
    picture[filled, 3] = 255 * opacity
    return picture


def _as_png(picture: NDArray[np.uint8]) -> str:
    """Return a data URL."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode()


def _add_legend(figure: go.Figure, groups: Sequence[Group]) -> None:
    """Name the colours; of numbers on a scale, show the scale."""
    for group in groups:
        marker: dict[str, object] = {"color": group.colour, "size": 8, "symbol": "circle"}
        if group.scaled:
            values = np.asarray(group.colour)
            marker = {"color": [values.min(), values.max()], "colorscale": "Viridis"}
            marker |= {"showscale": True, "colorbar": {"thickness": 12}, "opacity": 0}
        figure.add_scatter(
            x=[None, None],
            y=[None, None],
            mode="markers",
            marker=marker,
            name=group.name,
            showlegend=not group.scaled,
        )


def _add_corners(figure: go.Figure, view: View) -> None:
    """Add two invisible points, without which plotly offers no lasso."""
    figure.add_scatter(
        x=[view.left, view.right],
        y=[view.bottom, view.top],
        mode="markers",
        marker={"opacity": 0, "color": MARK},
        hoverinfo="skip",
        showlegend=False,
    )
