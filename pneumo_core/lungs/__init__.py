"""The lung finder, and the framing of a network's input by the lungs."""

from pneumo_core.lungs.box import Box
from pneumo_core.lungs.finder import (
    SIDE,
    LungFinder,
    Lungs,
    find_lungs,
    finder_input,
    lung_finder,
    lung_finder_card,
)
from pneumo_core.lungs.framing import LungMask, NetworkInput, cut_out

__all__ = [
    "SIDE",
    "Box",
    "LungFinder",
    "LungMask",
    "Lungs",
    "NetworkInput",
    "cut_out",
    "find_lungs",
    "finder_input",
    "lung_finder",
    "lung_finder_card",
]
