"""Which films are selected on the maps, by id, and figures drawn no more often than they change.

The browser shows its own lasso. A figure that is sent again with it would be drawn anew, which
takes seconds for many films, so the selection goes into a figure only when something else about it
changes.
"""

from collections.abc import Callable, Hashable

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

__all__ = ["clear", "drawn", "find_by_name", "selected", "take"]

Chosen = NDArray[np.bool_] | None

_PICKED, _FOUND, _TURN = "mapped selection", "map find", "mapped selection changed"


def find_by_name() -> str:
    """A field for part of a film's name; what was typed."""
    found: str = st.text_input(
        "Find by name", placeholder="Part of a film's name", key=_FOUND, width=240
    )
    return found.strip()


def selected(films: pd.DataFrame, found: str) -> Chosen:
    """Which films (N,) are selected: by name where one is typed, else by the lasso."""
    if found:
        return films["id"].str.contains(found, case=False, regex=False).to_numpy()
    picked = st.session_state.get(_PICKED)
    if not picked:
        return None
    inside: NDArray[np.bool_] = films["id"].isin(picked).to_numpy()
    return inside if inside.any() else None


def drawn(chart: str, key: Hashable, make: Callable[[], go.Figure]) -> go.Figure:
    """The figure that ``chart`` shows, if its ``key`` is the same, else one that is made now."""
    told = (key, st.session_state.get(_TURN, 0))
    place = f"drawn {chart}"
    known = st.session_state.get(place)
    if known is None or known[0] != told or chart not in st.session_state:
        known = st.session_state[place] = (told, make())
    figure: go.Figure = known[1]
    return figure


def take(chart: str, films: pd.DataFrame) -> None:
    """Select what was drawn around on the chart; its points carry rows of ``films``."""
    rows = []
    for point in st.session_state[chart]["selection"]["points"]:
        row = point.get("customdata")
        row = row[0] if isinstance(row, list | tuple) else row
        if row is not None:
            rows.append(int(row))
    st.session_state[_PICKED] = frozenset(films["id"].iloc[rows]) or None
    st.session_state[_FOUND] = ""


def clear() -> None:
    """Nothing is selected any more, and the figures show it."""
    st.session_state[_PICKED] = None
    st.session_state[_FOUND] = ""
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
