"""Plots of a study as standalone interactive pages."""

import plotly.graph_objects as go

from pneumo_core.evaluation import Study, point_on
from pneumo_core.reports.figures._style import BLUE
from pneumo_core.reports.figures.confusion import confusion_matrix, probability_histogram
from pneumo_core.reports.figures.curves import (
    precision_recall,
    receiver_operating_characteristic,
    reliability_diagram,
)

__all__ = ["interactive", "to_html"]


def interactive(study: Study, threshold: float, name: str) -> go.Figure:
    """Draw one of ``PLOTS`` at a threshold; empty if a class is missing. Raises KeyError."""
    if name == "matrix":
        return confusion_matrix(study.at(threshold).confusion)
    if name == "histogram":
        return probability_histogram(study.labels, study.probabilities, threshold)
    if name == "reliability":
        return reliability_diagram(study.reliability)
    curve = {"roc": study.roc, "precision-recall": study.precision_recall}[name]
    if curve is None:
        return go.Figure()
    if name == "roc":
        point = point_on(curve, threshold)
        return receiver_operating_characteristic([("", BLUE, curve, point)])
    return precision_recall(curve, float(study.labels.mean()), point_on(curve, threshold))


def to_html(figure: go.Figure) -> bytes:
    """Return the figure as an offline page, with plotly included (5 MB)."""
    page: str = figure.to_html(
        include_plotlyjs=True, config={"showSendToCloud": False, "displaylogo": False}
    )
    return page.encode()
