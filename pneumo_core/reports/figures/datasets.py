"""Plots of a dataset: counts, grey values, image sizes."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from pneumo_core.reports.figures._style import BLUE, INK, ORANGE, bare

__all__ = ["GREY_BINS", "grey_histogram", "images_per_split", "size_map"]

GREY_BINS = 64
"""Bins of the grey histogram; each holds four of 256 values."""

_PATTERNS = [{}, *({"shape": shape, "fgopacity": 0.35, "size": 9} for shape in "/.x-|+\\")]
"""Patterns, so that bars do not differ in colour only."""

_LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}


def images_per_split(table: pd.DataFrame) -> go.Figure:
    """Draw a bar for each split, by label and subtype. ``table``: split_table's."""
    splits = table[table["split"] != "all"].iloc[::-1]
    subtypes = [str(each) for each in table.columns[6:]]
    parts = [("NORMAL", "NORMAL", BLUE)]
    if len(subtypes) > 1:
        shades = (ORANGE, "#e0a25c", "#7a3d00", "#c9806a")
        parts += [(each, f"PNEUMONIA, {each}", shades[k % 4]) for k, each in enumerate(subtypes)]
    else:
        parts.append(("PNEUMONIA", "PNEUMONIA", ORANGE))
    figure = go.Figure()
    for (column, name, colour), pattern in zip(parts, _PATTERNS, strict=False):
        figure.add_bar(
            y=splits["split"],
            x=splits[column],
            orientation="h",
            name=name,
            marker={"color": colour, "pattern": pattern},
            text=[f"{n:,}" if n else "" for n in splits[column]],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            textfont={"color": INK if pattern else "white"},
            hovertemplate=f"%{{y}}: %{{x:,}} X-rays, {name}<extra></extra>",
        )
    bare(figure, height=90 + 52 * len(splits), barmode="stack", showlegend=True, legend=_LEGEND)
    figure.update_layout(legend_traceorder="normal", uniformtext={"minsize": 11, "mode": "hide"})
    return figure.update_xaxes(title={"text": "X-rays", "standoff": 6}, tickformat=",d")


def grey_histogram(greys: NDArray[np.int64]) -> go.Figure:
    """Draw the histogram of grey values for each label; ``greys`` int64 (2, 256).

    Each label's line adds up to 100 %. The axis ends at the highest bin other than black and white,
    because black borders would flatten the rest.
    """
    figure = go.Figure()
    highest = 0.0
    middles = (np.arange(GREY_BINS) + 0.5) * 256 / GREY_BINS
    for label, name, colour, dash in (
        (0, "NORMAL", BLUE, "solid"),
        (1, "PNEUMONIA", ORANGE, "dash"),
    ):
        total = greys[label].sum()
        if not total:
            continue
        share = greys[label].reshape(GREY_BINS, -1).sum(axis=1) / total
        highest = max(highest, float(share[1:-1].max()))
        figure.add_scatter(
            x=middles,
            y=share,
            mode="lines",
            line={"color": colour, "dash": dash, "width": 2, "shape": "spline", "smoothing": 0.4},
            name=name,
            hovertemplate=f"{name}: %{{y:.2%}} of its pixels around %{{x:.0f}}<extra></extra>",
        )
    bare(figure, height=300, showlegend=True, legend=_LEGEND, hovermode="closest")
    figure.update_xaxes(
        range=[0, 256],
        tickvals=[0, 64, 128, 192, 255],
        title={"text": "Grey value, 0 black to 255 white", "standoff": 6},
    )
    return figure.update_yaxes(
        range=[0, 1.15 * highest] if highest else None,
        tickformat=".1%",
        title={"text": "Share of pixels", "standoff": 4},
    )


def size_map(distinct: pd.DataFrame) -> go.Figure:
    """Draw width against height, from ``Sizes.distinct``; larger marks mean more X-rays."""
    n = distinct["films"].to_numpy()
    figure = go.Figure(
        go.Scattergl(
            x=distinct["width"],
            y=distinct["height"],
            mode="markers",
            marker={"color": BLUE, "opacity": 0.5, "size": 5 + 18 * np.sqrt(n / n.max())},
            customdata=n,
            hovertemplate="%{x} × %{y} pixels: %{customdata:,} X-rays<extra></extra>",
        )
    )
    bare(figure, height=300)
    figure.update_xaxes(title={"text": "Width in pixels", "standoff": 6}, rangemode="tozero")
    return figure.update_yaxes(
        title={"text": "Height in pixels", "standoff": 4}, rangemode="tozero"
    )
