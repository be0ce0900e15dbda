"""Plot of the subgroups of one column: sensitivity and specificity with intervals."""

from collections.abc import Sequence
from math import isnan

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pneumo_core.evaluation import Slice, outliers
from pneumo_core.metrics import Estimate
from pneumo_core.reports.figures._style import BLUE, RED, bare

__all__ = ["subgroup_dots"]

_RATES = (("sensitivity", "Sensitivity"), ("specificity", "Specificity"))


def subgroup_dots(found: Sequence[Slice]) -> go.Figure:
    """Draw a row for each subgroup of one column, with a dot and 95 % interval for each rate.

    Subgroups that differ from the rest (``outliers``) are red diamonds. A rate that a subgroup
    cannot have, because all its X-rays have the other label, reads "not applicable".
    """
    differ = {(each.slice.value, each.rate) for each in outliers(found)}
    rows = [f"{each.value} ({each.n:,})" for each in found]
    figure = make_subplots(1, 2, shared_yaxes=True, horizontal_spacing=0.04)
    for column, (rate, title) in enumerate(_RATES, start=1):
        for name, each in zip(rows, found, strict=True):
            odd = (each.value, rate) in differ
            figure.add_trace(_dot(name, getattr(each, rate), odd), 1, column)
        figure.update_xaxes(
            title={"text": title, "standoff": 6}, range=[-0.02, 1.02], row=1, col=column
        )
    bare(figure, height=80 + 30 * len(rows))
    figure.update_xaxes(tickvals=[0, 0.25, 0.5, 0.75, 1])
    return figure.update_yaxes(
        categoryorder="array", categoryarray=rows[::-1], tickfont={"size": 13}, ticklabelstandoff=8
    )


def _dot(name: str, rate: Estimate, odd: bool) -> go.Scatter:
    if isnan(rate.value):
        return go.Scatter(x=[0.5], y=[name], mode="text", text=["not applicable"], hoverinfo="skip")
    colour = RED if odd else BLUE
    return go.Scatter(
        x=[rate.value],
        y=[name],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [rate.high - rate.value],
            "arrayminus": [rate.value - rate.low],
            "thickness": 1.5,
            "width": 4,
            "color": colour,
        },
        mode="markers",
        marker={
            "color": colour,
            "size": 11 if odd else 9,
            "symbol": "diamond" if odd else "circle",
        },
        customdata=[str(rate)],
        hovertemplate="%{y}: %{customdata}<extra></extra>",
    )
