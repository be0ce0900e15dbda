"""The selection on the page, by X-ray id, that every plot and list shows."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

__all__ = [
    "CELL_NAMES",
    "CELL_WORDS",
    "Selection",
    "choose",
    "current",
    "follow_link",
    "forget_selection",
]

_KEY = "evaluated films"
CELL_WORDS = {
    "fn": "Missed: pneumonia predicted as NORMAL",
    "fp": "False alarms: normal predicted as PNEUMONIA",
    "tp": "Found: pneumonia predicted as PNEUMONIA",
    "tn": "Cleared: normal predicted as NORMAL",
}
"""Cells of the confusion matrix, the most serious error first."""
CELL_NAMES = {
    "fn": "Missed",
    "fp": "False alarms",
    "tp": "Found",
    "tn": "Cleared",
}
"""Short names of the cells."""


@dataclass(frozen=True)
class Selection:
    """Selected X-rays by id, and a description. A ``cell`` follows the threshold."""

    ids: frozenset[str]
    words: str
    cell: str = ""


def current(predictions: pd.DataFrame) -> Selection | None:
    """Return the selection among these X-rays; a cell holds what lies in it now."""
    chosen: Selection | None = st.session_state.get(_KEY)
    if chosen is None or not chosen.cell:
        return chosen
    inside = predictions.loc[predictions["cell"] == chosen.cell, "id"]
    return Selection(frozenset(inside), CELL_WORDS[chosen.cell], chosen.cell)


def choose(selection: Selection | None) -> None:
    """Select these X-rays on the whole page; a cell goes into the link."""
    st.session_state[_KEY] = selection
    if selection and selection.cell:
        st.query_params["cell"] = selection.cell
    else:
        st.query_params.pop("cell", None)


def follow_link() -> None:
    """Select the cell named in the link when the page opens."""
    asked = st.query_params.get("cell")
    if asked in CELL_WORDS and _KEY not in st.session_state:
        choose(Selection(frozenset(), CELL_WORDS[asked], asked))


def forget_selection() -> None:
    """Clear the selection."""
    choose(None)
