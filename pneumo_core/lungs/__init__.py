"""The lung finder, and the framing of a network's input by the lungs."""

from pneumo_core.lungs.box import Box
from pneumo_core.lungs.finder import Lungs, find_lungs, finder_input
from pneumo_core.lungs.framing import LungMask, NetworkInput, cut_out
from pneumo_core.lungs.installed import (
    load_lung_finder,
    lung_finder,
    lung_finder_card,
    register_lung_finder,
)
from pneumo_core.lungs.interface import SIDE, ConfidenceLimits, LungFinder
from pneumo_core.lungs.polarity import is_inverted, normal_polarity
from pneumo_core.lungs.remarks import framing_sentences

__all__ = [
    "SIDE",
    "Box",
    "ConfidenceLimits",
    "LungFinder",
    "LungMask",
    "Lungs",
    "NetworkInput",
    "cut_out",
    "find_lungs",
    "finder_input",
    "framing_sentences",
    "is_inverted",
    "load_lung_finder",
    "lung_finder",
    "lung_finder_card",
    "normal_polarity",
    "register_lung_finder",
]
