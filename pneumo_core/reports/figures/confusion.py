"""Confusion matrix and histogram of the probabilities, for one model on many X-rays.

Selectable marks carry ``customdata``: a cell's name, or a bin.
"""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from pneumo_core.metrics import Confusion, bin_of, format_share
from pneumo_core.reports.figures._style import (
    BLUE,
    INK,
    MARK,
    ORANGE,
    RED,
    bare,
)

__all__ = ["BARS", "CELLS", "confusion_matrix", "probability_histogram"]

CELLS = ("tn", "fp", "fn", "tp")
"""Cells of the matrix by row, NORMAL first."""

_TOLD = {"tn": "correct", "fp": "false alarms", "fn": "missed", "tp": "correct"}
BARS = 20
"""Number of equal bins of the histogram."""


def confusion_matrix(counts: Confusion, chosen: str | None = None) -> go.Figure:
    """Draw four clickable cells: counts and share of the row; errors red, the others pale.

    Uses bars, because heat map cells cannot be selected. ``chosen``: the framed cell.
    """
    figure = go.Figure()
    rows = {"tn": counts.tn + counts.fp, "fp": counts.tn + counts.fp}
    rows |= {"fn": counts.fn + counts.tp, "tp": counts.fn + counts.tp}
    for cell in CELLS:
        count, row = getattr(counts, cell), rows[cell]
        share = count / row if row else 0.0
        wrong = cell in ("fp", "fn")
        tint = _tinted(RED, 0.45 + 0.4 * share) if wrong else _tinted(BLUE, 0.1 + 0.15 * share)
        figure.add_bar(
            x=["NORMAL" if cell in ("tn", "fn") else "PNEUMONIA"],
            y=[0.97],
            base=[1.015 if cell in ("tn", "fp") else 0.015],
            width=0.97,
            customdata=[[cell]],
            text=[f"<b>{count}</b> {_TOLD[cell]}<br>{format_share(share)}"],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="none",
            textfont={"color": INK, "size": 15},
            marker={
                "color": tint if count else _tinted(BLUE, 0.05),
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
    """Draw the histogram by label, NORMAL downwards; errors are red, ``chosen`` X-rays (N,) framed.

    The height of a bar is the square root of its number of X-rays, so that the few in the middle,
    where decisions are made, can be seen beside the many at the ends; the axis gives the number. A
    bar's ``customdata`` is its label and its bin, one of ``BARS`` (see ``metrics.bin_of``), its
    ``text`` the number.
    """
    figure = go.Figure()
    wrong = (probabilities >= threshold) != (labels == 1)
    for label, name, colour, sign in ((1, "PNEUMONIA", ORANGE, 1), (0, "NORMAL", BLUE, -1)):
        of_label = labels == label
        error = "missed" if label else "false alarms"
        rest = {"color": _tinted(colour, 0.45)}
        framed = {"color": "rgba(0,0,0,0)", "line": {"color": INK, "width": 2}}
        bars: list[tuple[NDArray[np.bool_], str, str, dict[str, Any]]] = [
            (of_label, name, f"X-rays labelled {name}", rest)
        ]
        bars.append((of_label & wrong, "", error, {"color": RED}))
        if chosen is not None:
            bars.append((of_label & chosen, "", "selected", framed))
        for rows, title, told, marker in bars:
            counts = np.bincount(bin_of(probabilities[rows], BARS), minlength=BARS)
            figure.add_trace(_bars(counts, label, sign, title, told, marker))
    bare(figure, height=330, barmode="overlay")
    _mark_threshold(figure, threshold)
    _name_sides(figure)
    most = max((int(max(each.text)) for each in figure.data), default=1)
    ticks = _square_root_ticks(most)
    figure.update_xaxes(range=[0, 1], title={"text": "Probability of pneumonia", "standoff": 6})
    return figure.update_yaxes(
        title={"text": "X-rays (square root scale)", "standoff": 10},
        tickvals=[-(each**0.5) for each in ticks[:0:-1]] + [each**0.5 for each in ticks],
        ticktext=[f"{each:,}" for each in (*ticks[:0:-1], *ticks)],
        zerolinecolor=INK,
    )


def _bars(
    counts: NDArray[np.int64],
    label: int,
    sign: int,
    name: str,
    told: str,
    marker: dict[str, Any],
) -> go.Bar:
    return go.Bar(
        x=(np.arange(BARS) + 0.5) / BARS,
        y=sign * np.sqrt(counts),
        width=0.92 / BARS,
        name=name,
        customdata=[[label, each] for each in range(BARS)],
        marker=marker,
        hovertemplate=f"around %{{x:.3f}}: %{{text}} {told}<extra></extra>",
        text=counts,
        textposition="none",
        unselected={"marker": {"opacity": 1}},
    )


def _name_sides(figure: go.Figure) -> None:
    """Write the labels into the corners where their correct X-rays are few."""
    for name, colour, x, y, anchor in (
        ("PNEUMONIA ▲", ORANGE, 0.01, 1, ("left", "top")),
        ("NORMAL ▼", BLUE, 0.99, 0, ("right", "bottom")),
    ):
        figure.add_annotation(
            text=name,
            font={"color": colour},
            x=x,
            y=y,
            xref="paper",
            yref="paper",
            xanchor=anchor[0],
            yanchor=anchor[1],
            showarrow=False,
            bgcolor="rgba(255,255,255,0.8)",
        )


def _square_root_ticks(most: int) -> list[int]:
    """Return 0 and a few round counts, up to ``most``, that lie apart on a square root scale."""
    steps = [k * 10**e for e in range(7) for k in (1, 2, 5)]
    chosen = [0]
    for step in (each for each in steps if each <= max(1, most)):
        if step**0.5 - chosen[-1] ** 0.5 >= max(1, most) ** 0.5 / 5:
            chosen.append(step)
    return chosen


def _mark_threshold(figure: go.Figure, threshold: float) -> None:
    figure.add_vline(threshold, line={"color": MARK, "width": 2, "dash": "dot"})


def _tinted(colour: str, strength: float) -> str:
    """Blend the colour with white: 0 is white, 1 the colour."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    mixed = (round(255 + (part - 255) * strength) for part in parts)
    return f"rgb({', '.join(map(str, mixed))})"
