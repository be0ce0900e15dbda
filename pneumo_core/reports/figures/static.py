"""The same plots for print: PNG and SVG by matplotlib, without a browser."""

from collections.abc import Callable, Mapping
from io import BytesIO
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from pneumo_core.evaluation import Study, point_on
from pneumo_core.metrics import Curve, format_rate, format_share
from pneumo_core.reports.figures._style import BLUE, INK, ORANGE, QUIET

__all__ = ["PLOTS", "still"]

PLOTS: Mapping[str, str] = MappingProxyType(
    {
        "matrix": "Confusion matrix",
        "histogram": "Histogram",
        "roc": "ROC curve",
        "precision-recall": "Precision and recall",
        "reliability": "Reliability diagram",
    }
)
"""Plots of a study by name, with their titles."""


def still(study: Study, threshold: float, name: str, kind: Literal["png", "svg"]) -> bytes:
    """Draw one of ``PLOTS`` at a threshold as a PNG (1,200 × 1,050 pixels) or SVG file.

    Curves are empty if one class is missing. Raises KeyError for another name.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    # Keep text as text in an SVG, and make the output reproducible.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "pneumo", "font.size": 10}):
        figure = Figure(figsize=(6, 5.25), layout="constrained")
        axes = figure.subplots()
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        _DRAWERS[name](axes, study, threshold)
        file = BytesIO()
        figure.savefig(file, format=kind, dpi=200, metadata={"Date": None} if kind == "svg" else {})
    return file.getvalue()


def _matrix(axes: Any, study: Study, threshold: float) -> None:
    counts = np.array(study.at(threshold).confusion.as_rows())
    rows = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, rows, out=np.zeros((2, 2)), where=rows > 0)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(2, 2):
        colour = "white" if shares[row, column] > 0.6 else INK
        told = f"{counts[row, column]}\n{format_share(shares[row, column])}"
        axes.text(column, row, told, ha="center", va="center", color=colour, fontsize=14)
    names = ("NORMAL", "PNEUMONIA")
    axes.set_xticks([0, 1], names)
    axes.set_yticks([0, 1], names, rotation=90, va="center")
    axes.set_xlabel(f"Predicted (PNEUMONIA at {format_rate(threshold)} or higher)")
    axes.set_ylabel("Label")


def _histogram(axes: Any, study: Study, threshold: float) -> None:
    edges = np.linspace(0, 1, 21)
    for label, name, colour, hatch in (
        (1, "PNEUMONIA", ORANGE, "//"),
        (0, "NORMAL", BLUE, ""),
    ):
        axes.hist(
            study.probabilities[study.labels == label],
            edges,
            alpha=0.65,
            color=colour,
            hatch=hatch,
            label=name,
        )
    axes.axvline(threshold, color=INK, linestyle=":", label=f"threshold {format_rate(threshold)}")
    axes.set_xlabel("Probability of pneumonia")
    axes.set_ylabel("Films")
    axes.legend(frameon=False)


def _roc(axes: Any, study: Study, threshold: float) -> None:
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle="--")
    title = f"AUC {study.at(threshold).auc}"
    _curve(axes, study.roc, threshold, title)
    axes.set_xlabel("1 − specificity")
    axes.set_ylabel("Sensitivity")


def _precision_recall(axes: Any, study: Study, threshold: float) -> None:
    title = f"average precision {format_rate(study.average_precision)}"
    _curve(axes, study.precision_recall, threshold, title)
    axes.set_xlabel("Sensitivity (recall)")
    axes.set_ylabel("Positive predictive value (precision)")


def _curve(axes: Any, curve: Curve | None, threshold: float, title: str) -> None:
    if curve is not None:
        axes.plot(curve.x, curve.y, color=BLUE, linewidth=2, label=title)
        point = point_on(curve, threshold)
        if point:
            axes.plot(*point, "D", color=BLUE, label=f"threshold {format_rate(threshold)}")
        axes.legend(frameon=False, loc="lower left" if "precision" in title else "lower right")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)


def _reliability(axes: Any, study: Study, _threshold: float) -> None:
    axes.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle="--")
    points = study.reliability
    share = np.array([point.share for point in points])
    bars = np.array([[p.share - p.low, p.high - p.share] for p in points]).reshape(-1, 2).T
    axes.errorbar(
        [point.probability for point in points],
        share,
        yerr=np.clip(bars, 0, None),
        fmt="o",
        color=BLUE,
        ecolor=QUIET,
        elinewidth=1,
    )
    axes.set_xlabel("Probability")
    axes.set_ylabel("Share with pneumonia (95 % interval)")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)


_DRAWERS: Mapping[str, Callable[[Any, Study, float], None]] = MappingProxyType(
    {
        "matrix": _matrix,
        "histogram": _histogram,
        "roc": _roc,
        "precision-recall": _precision_recall,
        "reliability": _reliability,
    }
)
