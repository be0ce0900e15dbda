"""The selection on the maps, by X-ray id, and figures that are redrawn only when they change.

The browser shows its own lasso. Sending the figure again would redraw it, which takes seconds for
many X-rays, so the selection goes into a figure only when something else about it changes.
"""

from collections.abc import Callable, Hashable

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

__all__ = ["clear", "find_by_name", "keep_figure", "selected_rows", "take"]

Chosen = NDArray[np.bool_] | None

_PICKED, _FOUND, _TURN = "mapped selection", "map find", "mapped selection changed"


def find_by_name() -> str:
    """Ask for part of a name, and return what was typed."""
    found: str = st.text_input(
        "Find by name", placeholder="Part of an X-ray's name", key=_FOUND, width=240
    )
    return found.strip()


def selected_rows(films: pd.DataFrame, found: str) -> Chosen:
    """Return which X-rays (N,) are selected: by name if one is typed, else by the lasso."""
    if found:
        return films["id"].str.contains(found, case=False, regex=False).to_numpy()
    picked = st.session_state.get(_PICKED)
    if not picked:
        return None
    inside: NDArray[np.bool_] = films["id"].isin(picked).to_numpy()
    return inside if inside.any() else None


def keep_figure(chart: str, key: Hashable, make: Callable[[], go.Figure]) -> go.Figure:
    """Return the figure that ``chart`` shows if its ``key`` is unchanged, else a new one."""
    told = (key, st.session_state.get(_TURN, 0))
    place = f"drawn {chart}"
    known = st.session_state.get(place)
    if known is None or known[0] != told or chart not in st.session_state:
        known = st.session_state[place] = (told, make())
    figure: go.Figure = known[1]
    return figure


def take(chart: str, films: pd.DataFrame) -> None:
    """Select the points inside the lasso; they carry rows of ``films``."""
    rows = []
    for point in st.session_state[chart]["selection"]["points"]:
        row = point.get("customdata")
        row = row[0] if isinstance(row, list | tuple) else row
        if row is not None:
            rows.append(int(row))
    st.session_state[_PICKED] = frozenset(films["id"].iloc[rows]) or None
    st.session_state[_FOUND] = ""


def clear() -> None:
    """Clear the selection and redraw the figures."""
    st.session_state[_PICKED] = None
    st.session_state[_FOUND] = ""
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
