"""Plots of one model on many X-rays: confusion matrix, histogram, curves.

Selectable marks carry ``customdata`` that identifies their X-rays: a cell's name, a bin, or an
X-ray's id.
"""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from pneumo_core.metrics import Confusion, Curve, Estimate, ReliabilityBin, bin_of, format_rate
from pneumo_core.reports.figures._style import (
    BLUE,
    DASHES,
    INK,
    ORANGE,
    PALE,
    QUIET,
    bare,
    diagonal,
    square,
)

__all__ = [
    "BARS",
    "CELLS",
    "confusion_matrix",
    "precision_recall",
    "probability_histogram",
    "receiver_operating_characteristic",
    "reliability_diagram",
]

CELLS = ("tn", "fp", "fn", "tp")
"""Cells of the matrix by row, NORMAL first."""

_TOLD = {"tn": "correct", "fp": "false alarms", "fn": "missed", "tp": "correct"}
_MOST_POINTS = 800
BARS = 20
"""Number of equal bins of the histogram."""


def confusion_matrix(counts: Confusion, chosen: str | None = None) -> go.Figure:
    """Draw four clickable cells: counts and share of the row; correct blue, errors orange.

    Uses bars, because heat map cells cannot be selected. ``chosen``: the framed cell.
    """
    figure = go.Figure()
    rows = {"tn": counts.tn + counts.fp, "fp": counts.tn + counts.fp}
    rows |= {"fn": counts.fn + counts.tp, "tp": counts.fn + counts.tp}
    for cell in CELLS:
        count, row = getattr(counts, cell), rows[cell]
        share = count / row if row else 0.0
        tint = BLUE if cell in ("tn", "tp") else ORANGE
        figure.add_bar(
            x=["NORMAL" if cell in ("tn", "fn") else "PNEUMONIA"],
            y=[0.97],
            base=[1.015 if cell in ("tn", "fp") else 0.015],
            width=0.97,
            customdata=[[cell]],
            text=[f"<b>{count}</b> {_TOLD[cell]}<br>{format_rate(share, percent=True)}"],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="none",
            textfont={"color": INK, "size": 15},
            marker={
                "color": _tinted(tint, 0.12 + 0.45 * share),
                "line": {"color": INK, "width": 3 if cell == chosen else 0},
            },
            hovertemplate=f"{_TOLD[cell]}: {count} of {row}<extra>Click to see the X-rays</extra>",
            unselected={"marker": {"opacity": 1}},
        )
    bare(figure, height=330, barmode="overlay", bargap=0)
    figure.update_xaxes(title={"text": "Predicted", "standoff": 4}, side="top", showgrid=False)
    figure.update_yaxes(
        title={"text": "Label", "standoff": 4},
        tickvals=[1.5, 0.5],
        ticktext=["NORMAL", "PNEUMONIA"],
        tickangle=-90,
        showgrid=False,
        range=[0, 2],
    )
    return figure


def probability_histogram(
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    threshold: float,
    *,
    chosen: NDArray[np.bool_] | None = None,
) -> go.Figure:
    """Draw the histogram by label, NORMAL downwards; ``chosen`` X-rays (N,) stand out.

    A bar's ``customdata`` is its label and its bin, one of ``BARS`` (see ``metrics.bin_of``).
    """
    figure, bins = go.Figure(), BARS
    middles = (np.arange(bins) + 0.5) / bins
    where = bin_of(probabilities, bins)
    for label, name, colour, sign in ((1, "PNEUMONIA", ORANGE, 1), (0, "NORMAL", BLUE, -1)):
        counts = np.bincount(where[labels == label], minlength=bins)
        figure.add_bar(
            x=middles,
            y=sign * counts,
            width=0.92 / bins,
            name=name,
            customdata=[[label, each] for each in range(bins)],
            marker={"color": _tinted(colour, 0.45 if chosen is not None else 0.85)},
            hovertemplate=f"around %{{x:.3f}}: %{{text}} X-rays labelled {name}<extra></extra>",
            text=counts,
            textposition="none",
            unselected={"marker": {"opacity": 1}},
        )
        if chosen is not None:
            these = np.bincount(where[(labels == label) & chosen], minlength=bins)
            figure.add_bar(
                x=middles,
                y=sign * these,
                width=0.92 / bins,
                marker={"color": colour},
                hoverinfo="skip",
                customdata=[[label, each] for each in range(bins)],
                unselected={"marker": {"opacity": 1}},
            )
    bare(figure, height=330, barmode="overlay")
    _mark_threshold(figure, threshold)
    for name, colour, y, anchor in (
        ("PNEUMONIA ▲", ORANGE, 1, "top"),
        ("NORMAL ▼", BLUE, 0, "bottom"),
    ):
        figure.add_annotation(
            text=name,
            font={"color": colour},
            x=0.5,
            y=y,
            xref="paper",
            yref="paper",
            xanchor="center",
            yanchor=anchor,
            showarrow=False,
        )
    figure.update_xaxes(range=[0, 1], title={"text": "Probability of pneumonia", "standoff": 6})
    return figure.update_yaxes(
        title={"text": "Films", "standoff": 4}, tickformat="d", showticklabels=True
    )


def receiver_operating_characteristic(
    curves: Sequence[tuple[str, str, Curve, tuple[float, float] | None]],
    chosen: Curve | None = None,
    ids: NDArray[np.object_] | None = None,
) -> go.Figure:
    """Draw ROC curves: name, colour, curve, and (x, y) of the operating point.

    ``ids`` (K,): the X-ray at each threshold of the first curve; ``chosen`` points stand out.
    """
    figure = go.Figure()
    diagonal(figure)
    _draw_curves(figure, curves, ids)
    _draw_chosen(figure, chosen)
    return square(figure, "1 − specificity (false alarms)", "Sensitivity")


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
        marker={"color": ORANGE, "size": 8, "symbol": "x-thin", "line": {"width": 2}},
        hoverinfo="skip",
    )


def _mark_threshold(figure: go.Figure, threshold: float) -> None:
    figure.add_vline(threshold, line={"color": INK, "width": 2, "dash": "dot"})


def _thinned(points: int) -> NDArray[np.int64]:
    """Thin rows so that the page stays small, keeping both ends."""
    rows = np.linspace(0, max(0, points - 1), min(points, _MOST_POINTS))
    return np.unique(rows.round().astype(np.int64))


def _tinted(colour: str, strength: float) -> str:
    """Blend the colour with white: 0 is white, 1 the colour."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    mixed = (round(255 + (part - 255) * strength) for part in parts)
    return f"rgb({', '.join(map(str, mixed))})"
