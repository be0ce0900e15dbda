"""Where a network looked, by several methods, and whether a map depends on what was learned."""

from pneumo_core.heatmaps.compute import heat_map
from pneumo_core.heatmaps.convolutions import (
    Layer,
    convolutions,
    find_convolution,
    layers,
    run_from,
)
from pneumo_core.heatmaps.methods import METHODS, Method, find_method
from pneumo_core.heatmaps.result import HeatMap, common_peaks, overlap
from pneumo_core.heatmaps.sanity import Forgotten, forgets

__all__ = [
    "METHODS",
    "Forgotten",
    "HeatMap",
    "Layer",
    "Method",
    "common_peaks",
    "convolutions",
    "find_convolution",
    "find_method",
    "forgets",
    "heat_map",
    "layers",
    "overlap",
    "run_from",
]
