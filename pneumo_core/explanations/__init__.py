"""Explanations: heat maps by several methods, and sanity checks of them.

Methods and results need no torch. Computing a map does, so those modules are imported on first use.
"""

from typing import TYPE_CHECKING

from pneumo_core.core.lazy import lazy_names
from pneumo_core.explanations.methods import (
    METHODS,
    Method,
    Perturbation,
    evidence_strength,
    find_method,
    register_method,
    scale_of,
)
from pneumo_core.explanations.result import HeatMap, common_peaks, overlap, place_on_image

if TYPE_CHECKING:
    from pneumo_core.explanations.compute import heat_map
    from pneumo_core.explanations.network_layers import (
        Layer,
        convolutions,
        find_convolution,
        layers,
        run_from,
    )
    from pneumo_core.explanations.sanity_check import SanityCheck, run_sanity_check

__all__ = [
    "METHODS",
    "HeatMap",
    "Layer",
    "Method",
    "Perturbation",
    "SanityCheck",
    "common_peaks",
    "convolutions",
    "evidence_strength",
    "find_convolution",
    "find_method",
    "heat_map",
    "layers",
    "overlap",
    "place_on_image",
    "register_method",
    "run_from",
    "run_sanity_check",
    "scale_of",
]

_MODULES = {
    "compute": ("heat_map",),
    "network_layers": ("Layer", "convolutions", "find_convolution", "layers", "run_from"),
    "sanity_check": ("SanityCheck", "run_sanity_check"),
}

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
