"""Plots of results computed by other packages. Nothing is computed here."""

from pneumo_core.reports.figures._style import SERIES
from pneumo_core.reports.figures.comparison import probability_scatter
from pneumo_core.reports.figures.confusion import (
    BARS,
    CELLS,
    confusion_matrix,
    probability_histogram,
)
from pneumo_core.reports.figures.curves import (
    in_corner,
    precision_recall,
    receiver_operating_characteristic,
    reliability_diagram,
)
from pneumo_core.reports.figures.datasets import grey_histogram, images_per_split, size_map
from pneumo_core.reports.figures.density import Coloured, density_map
from pneumo_core.reports.figures.embedding import Panel, embedding_map
from pneumo_core.reports.figures.epochs import epoch_maps
from pneumo_core.reports.figures.html import interactive, to_html
from pneumo_core.reports.figures.probability import probability_bar
from pneumo_core.reports.figures.shortcuts import error_by_quarter, separation_dots
from pneumo_core.reports.figures.static import PLOTS, still
from pneumo_core.reports.figures.subgroups import subgroup_dots

__all__ = [
    "BARS",
    "CELLS",
    "PLOTS",
    "SERIES",
    "Coloured",
    "Panel",
    "confusion_matrix",
    "density_map",
    "embedding_map",
    "epoch_maps",
    "error_by_quarter",
    "grey_histogram",
    "images_per_split",
    "in_corner",
    "interactive",
    "precision_recall",
    "probability_bar",
    "probability_histogram",
    "probability_scatter",
    "receiver_operating_characteristic",
    "reliability_diagram",
    "separation_dots",
    "size_map",
    "still",
    "subgroup_dots",
    "to_html",
]
