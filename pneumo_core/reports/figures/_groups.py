"""Groups of points by colour: one per value of a column, or a scale for numbers."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from plotly.colors import qualitative

from pneumo_core.metrics import format_rate
from pneumo_core.reports.figures._style import BLUE, ORANGE, QUIET, RED

__all__ = ["Group", "groups_of", "hover_texts"]

_SOLID = ("circle", "triangle-up", "square", "diamond", "cross", "x", "star", "hexagon")
SYMBOLS = (*_SOLID, *(f"{each}-open" for each in _SOLID))
_REST = "circle-dot"
_MOST = 12
"""Largest number of values with their own colour, the most frequent ones."""
_PALETTE = (*qualitative.Safe, *qualitative.Set3)
_KNOWN = {
    "NORMAL": BLUE,
    "PNEUMONIA": ORANGE,
    "normal": BLUE,
    "bacteria": ORANGE,
    "virus": "#8a3d78",
    "missed": RED,
    "false alarm": "#e0457b",
    "correctly predicted NORMAL": "#9db8c9",
    "correctly predicted PNEUMONIA": "#d9b58c",
}
_ERRORS = ("false alarm", "missed")
"""Drawn last, so that no correct X-ray covers them."""
_FACTS = ("label", "subtype", "outcome", "split")


@dataclass(frozen=True, eq=False)
class Group:
    """Points of one colour: rows, name, style."""

    rows: NDArray[np.int32]
    name: str
    colour: object
    symbol: str
    scaled: bool


def groups_of(by: pd.Series) -> list[Group]:
    """Put every row of a column (N,) in one group; rare values go to "others".

    Numeric columns with more than eight values are one group with a scale.
    """
    if pd.api.types.is_numeric_dtype(by) and by.nunique() > len(_SOLID):
        rows = np.arange(len(by), dtype=np.int32)
        return [Group(rows, str(by.name), by.to_numpy(np.float32), "circle", True)]
    words = by.astype(str)
    counts = words.value_counts()
    named = sorted(counts.index[:_MOST], key=lambda word: (word in _ERRORS, word))
    found = []
    for number, word in enumerate(named):
        rows = np.flatnonzero((words == word).to_numpy()).astype(np.int32)
        colour = _KNOWN.get(word, _PALETTE[number % len(_PALETTE)])
        symbol = SYMBOLS[number]
        found.append(Group(rows, word or "(none)", colour, symbol, False))
    rest = np.flatnonzero(~words.isin(named).to_numpy()).astype(np.int32)
    if len(rest):
        name = f"others ({len(counts) - _MOST})"
        found.insert(0, Group(rest, name, QUIET, _REST, False))
    return found


def hover_texts(films: pd.DataFrame) -> NDArray[np.str_]:
    """Return hover texts (N,): name, then the known facts."""
    told = films["id"].str.rsplit("/", n=1).str[-1] + "<br>"
    facts = [films[each].astype(str) for each in _FACTS if each in films]
    if "probability" in films:
        facts.append(films["probability"].map(_probability_text))
    for number, fact in enumerate(facts):
        told += (", " if number else "") + fact
    return told.to_numpy(str)


def _probability_text(probability: float) -> str:
    return f"P {format_rate(probability)}"
