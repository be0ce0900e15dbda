"""Options of a map: colour, search by name, mouse mode."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from pneumo_core.app.embeddings.lasso import find_by_name
from pneumo_core.app.memory import known_of
from pneumo_core.app.widgets.kept_choices import keep_choices
from pneumo_core.app.widgets.mouse import choose_drag

__all__ = ["Look", "choose_look"]

_FIRST = ("label", "predicted", "outcome", "subtype", "series", "split", "probability", "patient")
_SAID = {
    "label": "label",
    "predicted": "prediction",
    "outcome": "outcome",
    "probability": "probability",
}


@dataclass(frozen=True)
class Look:
    """``by``: the column that gives the colour; ``found``: part of a name; ``drag``: the mouse."""

    by: str
    found: str
    drag: str


def choose_look(films: pd.DataFrame, *, turning: bool = False) -> Look:
    """Show the options in a row. Any column with more than one value can give the colour."""
    columns = known_of(films, "columns of a map", lambda: _colouring(films))
    asked = st.query_params.get("colour")
    start = columns.index(asked) if asked in columns else 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        by = st.selectbox(
            "Colour",
            columns,
            start,
            format_func=lambda each: _SAID.get(each, each),
            key="map colour",
            width=180,
        )
        found = find_by_name()
        drag = "orbit" if turning else choose_drag("map mouse")
    st.query_params["colour"] = by
    keep_choices()  # in a fragment
    return Look(by, found, drag)


def _colouring(films: pd.DataFrame) -> list[str]:
    """Return the columns with more than one value."""
    known = [column for column in _FIRST if column in films]
    others = [column for column in films if column not in (*known, "id")]
    return [c for c in map(str, (*known, *others)) if films[c].nunique() > 1] or ["split"]
