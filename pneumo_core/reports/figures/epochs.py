"""Maps of the training: a slider moves X-rays from epoch to epoch."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from pneumo_core.metrics import format_rate
from pneumo_core.reports.figures._groups import Group, groups_of, hover_texts
from pneumo_core.reports.figures._style import BLUE, MARK, ORANGE, SERIES, bare

__all__ = ["epoch_maps"]

_SMOOTH = 2500
"""Up to this number points are animated; more are drawn by WebGL, without animation."""
_GLIDE = 500
_MARGIN = 0.05
_LINES = (
    ("validation_auc", "validation AUC", SERIES[2], "dot"),
    ("purity", "purity, features", ORANGE, "solid"),
    ("purity_on_map", "purity, map", BLUE, "dash"),
)


def epoch_maps(
    points: NDArray[np.float32],
    figures: pd.DataFrame,
    films: pd.DataFrame,
    by: pd.Series,
    *,
    axes: Sequence[str],
    chosen: NDArray[np.bool_] | None = None,
    drag: str = "lasso",
    height: int = 720,
) -> go.Figure:
    """Draw maps float32 (E, N, 2) of the same X-rays (N), coloured by ``by``, one epoch at a time.

    ``figures`` has a row per epoch: epoch, validation_auc, purity, purity_on_map; drawn as lines
    below the map, with a bar at the current epoch. The last epoch is shown first. The
    axes have one range for all epochs; colours, ``customdata`` (row of the X-ray) and selection are
    as in ``embedding_map``.
    """
    figure = make_subplots(2, 1, row_heights=[0.78, 0.22], vertical_spacing=0.14)
    kind = go.Scatter if len(films) <= _SMOOTH else go.Scattergl
    groups, told = groups_of(by), hover_texts(films)
    for group in groups:
        figure.add_trace(_films(kind, points[-1], group, told, chosen), 1, 1)
    columns = figures[[each[0] for each in _LINES]]
    reach = _range(columns.to_numpy(np.float64))
    _add_lines(figure, figures, reach)
    moving = [*range(len(groups)), len(groups) + len(_LINES)]
    figure.frames = [
        go.Frame(
            name=str(epoch),
            traces=moving,
            data=[
                *(kind(x=at[group.rows, 0], y=at[group.rows, 1]) for group in groups),
                go.Scatter(x=[epoch, epoch], y=reach),
            ],
        )
        for epoch, at in zip(figures["epoch"], points, strict=True)
    ]
    smooth = kind is go.Scatter
    return _laid_out(figure, points, figures, axes, drag=drag, height=height, smooth=smooth)


def _films(
    kind: type[go.Scatter | go.Scattergl],
    points: NDArray[np.float32],
    group: Group,
    told: NDArray[np.str_],
    chosen: NDArray[np.bool_] | None,
) -> Any:
    """Return a trace of a group's points on one epoch's map (N, 2)."""
    marker: dict[str, object] = {"color": group.colour, "symbol": group.symbol, "size": 6}
    if group.scaled:
        scale = {"thickness": 12, "len": 0.7, "y": 0.65}
        marker |= {"colorscale": "Viridis", "showscale": True, "colorbar": scale}
    return kind(
        x=points[group.rows, 0],
        y=points[group.rows, 1],
        customdata=group.rows,
        text=told[group.rows],
        mode="markers",
        marker=marker,
        selectedpoints=None if chosen is None else np.flatnonzero(chosen[group.rows]),
        unselected={"marker": {"opacity": 0.12}},
        name=group.name,
        showlegend=not group.scaled,
        hovertemplate=f"%{{text}}<extra>{group.name}</extra>",
    )


def _add_lines(figure: go.Figure, figures: pd.DataFrame, reach: list[float]) -> None:
    """Add the figures over the epochs, and a bar at the last one."""
    for column, name, colour, dash in _LINES:
        figure.add_scatter(
            x=figures["epoch"],
            y=figures[column],
            name=name,
            line={"color": colour, "dash": dash},
            mode="lines",
            legend="legend2",
            row=2,
            col=1,
            hovertemplate=f"epoch %{{x}}: {name} %{{y:.3f}}<extra></extra>",
        )
    last = figures["epoch"].iloc[-1]
    figure.add_scatter(
        x=[last, last],
        y=reach,
        mode="lines",
        line={"color": MARK, "width": 2},
        hoverinfo="skip",
        showlegend=False,
        row=2,
        col=1,
    )


def _laid_out(
    figure: go.Figure,
    points: NDArray[np.float32],
    figures: pd.DataFrame,
    axes: Sequence[str],
    *,
    drag: str,
    height: int,
    smooth: bool,
) -> go.Figure:
    bare(figure, height=height, dragmode=drag, showlegend=True)
    for number, (update, name) in enumerate(
        zip((figure.update_xaxes, figure.update_yaxes), axes, strict=True)
    ):
        update(
            title_text=name,
            range=_range(points[:, :, number]),
            fixedrange=False,
            showticklabels=False,
            zeroline=False,
            row=1,
            col=1,
        )
    figure.update_yaxes(scaleanchor="x", row=1, col=1)
    figure.update_xaxes(title_text="Epoch", tickvals=figures["epoch"], row=2, col=1)
    how = {
        "mode": "immediate",
        "frame": {"duration": _GLIDE, "redraw": not smooth},
        "transition": {"duration": _GLIDE if smooth else 0, "easing": "cubic-in-out"},
        "fromcurrent": True,
    }
    above = {"orientation": "h", "x": 0, "yanchor": "bottom"}
    return figure.update_layout(
        margin={"t": 40, "b": 8, "l": 8, "r": 8},
        legend={**above, "y": 1.0, "itemsizing": "constant"},
        legend2={**above, "y": 0.2},
        sliders=[
            {
                "active": len(figures) - 1,
                "steps": [
                    {"label": _told(row), "method": "animate", "args": [[str(row["epoch"])], how]}
                    for row in figures.to_dict("records")
                ],
                "currentvalue": {"font": {"size": 14}, "xanchor": "left"},
                "font": {"color": "rgba(0,0,0,0)"},  # a step's label is too long for its tick
                "pad": {"t": 48, "l": 60},
                "ticklen": 3,
            }
        ],
        updatemenus=[
            {
                "type": "buttons",
                "buttons": [{"label": "▶ Play", "method": "animate", "args": [None, how]}],
                "x": 0,
                "xanchor": "left",
                "y": 0,
                "yanchor": "top",
                "pad": {"t": 84},
                "showactive": False,
            }
        ],
    )


def _told(row: Mapping[Any, Any]) -> str:
    """Return the label of an epoch on the slider."""
    area = row["validation_auc"]
    auc = "" if np.isnan(area) else f" · validation AUC {format_rate(area)}"
    return f"Epoch {row['epoch']}{auc} · purity {format_rate(row['purity'])}"


def _range(values: NDArray[np.floating]) -> list[float]:
    """Return the range of the values with a margin."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    air = _MARGIN * (high - low) or 0.01
    return [low - air, high + air]
