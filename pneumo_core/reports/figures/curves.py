"""ROC, precision-recall and calibration curves of models.

Selectable points carry the id of their X-ray, or their bin, as ``customdata``.
"""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from pneumo_core.metrics import Curve, Estimate, ReliabilityBin, format_rate
from pneumo_core.reports.figures._style import (
    BLUE,
    DASHES,
    PALE,
    QUIET,
    RED,
    diagonal,
    square,
)

__all__ = [
    "in_corner",
    "precision_recall",
    "receiver_operating_characteristic",
    "reliability_diagram",
]

_MOST_POINTS = 800
_CORNER = 0.3
"""Side of the upper left corner of the ROC plot, where good models differ."""


def receiver_operating_characteristic(
    curves: Sequence[tuple[str, str, Curve, tuple[float, float] | None]],
    chosen: Curve | None = None,
    ids: NDArray[np.object_] | None = None,
    *,
    corner: bool = False,
) -> go.Figure:
    """Draw ROC curves: name, colour, curve, and (x, y) of the operating point.

    ``ids`` (K,): the X-ray at each threshold of the first curve; ``chosen`` points stand out.
    ``corner``: show only false alarms up to 0.3 and sensitivity from 0.7 (``in_corner``).
    """
    figure = go.Figure()
    diagonal(figure)
    _draw_curves(figure, curves, ids)
    _draw_chosen(figure, chosen)
    square(figure, "1 − specificity (false alarms)", "Sensitivity")
    if corner:
        figure.update_xaxes(range=[-0.006, _CORNER], tickvals=[0, 0.1, 0.2, 0.3])
        figure.update_yaxes(range=[1 - _CORNER, 1.006], tickvals=[0.7, 0.8, 0.9, 1])
    return figure


def in_corner(points: Sequence[tuple[float, float] | None]) -> bool:
    """Return whether all operating points (false alarms, sensitivity) lie in the corner's zoom."""
    return all(x < _CORNER and y > 1 - _CORNER for x, y in (each for each in points if each))


def precision_recall(
    curve: Curve,
    share: float,
    point: tuple[float, float] | None,
    chosen: Curve | None = None,
    ids: NDArray[np.object_] | None = None,
) -> go.Figure:
    """Draw the precision-recall curve; the dashed line is chance."""
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 1],
        y=[share, share],
        mode="lines",
        line={"color": PALE, "dash": "dash"},
        hoverinfo="skip",
    )
    _draw_curves(figure, [("", BLUE, curve, point)], ids)
    _draw_chosen(figure, chosen)
    return square(figure, "Sensitivity (recall)", "PPV on these X-rays (precision)")


def reliability_diagram(points: Sequence[ReliabilityBin]) -> go.Figure:
    """Draw the reliability diagram with 95 % intervals; the dashed line is perfect.

    The area of a mark grows with its number of X-rays.
    """
    figure = go.Figure()
    diagonal(figure)
    most = max((point.n for point in points), default=1)
    figure.add_scatter(
        x=[point.probability for point in points],
        y=[point.share for point in points],
        error_y={
            "array": [point.high - point.share for point in points],
            "arrayminus": [point.share - point.low for point in points],
            "color": QUIET,
            "thickness": 1.2,
        },
        mode="markers",
        marker={
            "color": BLUE,
            "size": [7 + 13 * (point.n / most) ** 0.5 for point in points],
            "line": {"color": "white", "width": 1},
        },
        text=[_bin_text(point) for point in points],
        hovertemplate="%{text}<extra></extra>",
    )
    return square(figure, "Probability", "Share with pneumonia")


def _bin_text(point: ReliabilityBin) -> str:
    share = Estimate(point.share, point.low, point.high).text(percent=True)
    probability = format_rate(point.probability)
    return f"{point.n} X-rays, mean probability {probability}<br>{share} show pneumonia"


def _draw_curves(
    figure: go.Figure,
    curves: Sequence[tuple[str, str, Curve, tuple[float, float] | None]],
    ids: NDArray[np.object_] | None,
) -> None:
    for number, (name, colour, curve, point) in enumerate(curves):
        rows = _thinned(len(curve.x))
        figure.add_scatter(
            x=curve.x[rows],
            y=curve.y[rows],
            mode="lines+markers" if ids is not None and number == 0 else "lines",
            marker={"size": 5, "opacity": 0.35},
            line={"color": colour, "width": 2.5, "dash": DASHES[number % len(DASHES)]},
            name=name,
            text=[format_rate(each) for each in curve.thresholds[rows]],
            customdata=None if ids is None or number else ids[rows].reshape(-1, 1),
            hovertemplate=f"threshold %{{text}}<br>(%{{x:.3f}}, %{{y:.3f}})<extra>{name}</extra>",
        )
        if point:
            figure.add_scatter(
                x=[point[0]],
                y=[point[1]],
                mode="markers",
                marker={
                    "color": colour,
                    "size": 13,
                    "symbol": "diamond",
                    "line": {"color": "white", "width": 1.5},
                },
                hovertemplate=f"operating point (%{{x:.3f}}, %{{y:.3f}})<extra>{name}</extra>",
            )


def _draw_chosen(figure: go.Figure, chosen: Curve | None) -> None:
    if chosen is None or not len(chosen.x):
        return
    rows = _thinned(len(chosen.x))
    figure.add_scatter(
        x=chosen.x[rows],
        y=chosen.y[rows],
        mode="markers",
        marker={"color": RED, "size": 8, "symbol": "x-thin", "line": {"width": 2, "color": RED}},
        hoverinfo="skip",
    )


def _thinned(points: int) -> NDArray[np.int64]:
    """Thin rows so that the page stays small, keeping both ends."""
    rows = np.linspace(0, max(0, points - 1), min(points, _MOST_POINTS))
    return np.unique(rows.round().astype(np.int64))
