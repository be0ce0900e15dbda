"""Which films are looked at: one choice, by id, that every picture and list of the page shows."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

__all__ = ["CELL_WORDS", "Selection", "choose", "current", "follow_link", "forget_selection"]

_KEY = "evaluated films"
CELL_WORDS = {
    "fn": "Missed: pneumonia predicted NORMAL",
    "fp": "False alarms: normal predicted PNEUMONIA",
    "tp": "Pneumonia predicted PNEUMONIA",
    "tn": "Normal predicted NORMAL",
}
"""The cells as one asks for them, the gravest mistake first."""


@dataclass(frozen=True)
class Selection:
    """Films by id, and what they have in common, in words. ``cell`` follows the threshold."""

    ids: frozenset[str]
    words: str
    cell: str = ""


def current(predictions: pd.DataFrame) -> Selection | None:
    """The selection among these films; a chosen cell holds what lies in it now."""
    chosen: Selection | None = st.session_state.get(_KEY)
    if chosen is None or not chosen.cell:
        return chosen
    inside = predictions.loc[predictions["cell"] == chosen.cell, "id"]
    return Selection(frozenset(inside), CELL_WORDS[chosen.cell], chosen.cell)


def choose(selection: Selection | None) -> None:
    """Select these films on the whole page; the link carries a cell."""
    st.session_state[_KEY] = selection
    if selection and selection.cell:
        st.query_params["cell"] = selection.cell
    else:
        st.query_params.pop("cell", None)


def follow_link() -> None:
    """Select the cell that a link names, when the page opens."""
    asked = st.query_params.get("cell")
    if asked in CELL_WORDS and _KEY not in st.session_state:
        choose(Selection(frozenset(), CELL_WORDS[asked], asked))


def forget_selection() -> None:
    """Nothing is selected any more."""
    choose(None)
