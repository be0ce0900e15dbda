"""Plots of the shortcut audit."""

from collections.abc import Sequence

import plotly.graph_objects as go

from pneumo_core.evaluation.shortcuts import ByQuartile, Separation
from pneumo_core.reports.figures._style import BLUE, ORANGE, QUIET, bare

__all__ = ["error_by_quarter", "separation_dots"]

_MARKS = (("circle", BLUE), ("triangle-up", ORANGE), ("square", "#00775a"))
_LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}


def separation_dots(found: Sequence[Separation]) -> go.Figure:
    """Draw a row for each property, the largest AUC on top, with a dot and interval per split."""
    titles = list(dict.fromkeys(each.prop.title for each in found))[::-1]
    splits = sorted({each.split for each in found}, key=("train", "test", "val").index)
    figure = go.Figure()
    for split, (symbol, colour) in zip(splits, _MARKS, strict=False):
        here = [each for each in found if each.split == split]
        auc = [each.auc for each in here]
        figure.add_scatter(
            x=[each.value for each in auc],
            y=[each.prop.title for each in here],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [each.high - each.value for each in auc],
                "arrayminus": [each.value - each.low for each in auc],
                "thickness": 1.5,
                "width": 3,
            },
            mode="markers",
            name=split,
            marker={"symbol": symbol, "color": colour, "size": 9},
            customdata=[str(each) for each in auc],
            hovertemplate=f"%{{y}}, {split}: AUC %{{customdata}}<extra></extra>",
        )
    bare(figure, height=90 + 26 * len(titles), showlegend=len(splits) > 1, legend=_LEGEND)
    figure.add_vline(0.5, line={"color": QUIET, "width": 1, "dash": "dash"})
    figure.update_yaxes(categoryorder="array", categoryarray=titles, tickfont={"size": 12})
    return figure.update_xaxes(
        range=[0.4, 1.02],
        tickvals=[0.5, 0.6, 0.7, 0.8, 0.9, 1],
        title={"text": "AUC for the label (0.5: chance)", "standoff": 6},
    )


def error_by_quarter(found: ByQuartile) -> go.Figure:
    """Draw the error rate in each quartile of a property, with intervals."""
    rates = [each.rate for each in found.quarters]
    write = found.prop.text
    figure = go.Figure(
        go.Scatter(
            x=[f"{write(each.low)} to<br>{write(each.high)}" for each in found.quarters],
            y=[each.value for each in rates],
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [each.high - each.value for each in rates],
                "arrayminus": [each.value - each.low for each in rates],
            },
            mode="markers+lines",
            marker={"color": BLUE, "size": 9},
            line={"color": BLUE, "width": 1, "dash": "dot"},
            customdata=[f"{each.errors} of {each.n}" for each in found.quarters],
            hovertemplate="%{y:.1%} (%{customdata} X-rays)<extra></extra>",
        )
    )
    bare(figure, height=260)
    figure.update_xaxes(title={"text": found.prop.title, "standoff": 6}, type="category")
    return figure.update_yaxes(
        title={"text": "Misses" if found.label else "False alarms", "standoff": 4},
        tickformat=".0%",
        rangemode="tozero",
    )
