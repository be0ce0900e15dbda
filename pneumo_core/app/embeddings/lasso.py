"""The selection on the maps, and figures that are redrawn only when they change.

The browser shows its own lasso. Sending the figure again would redraw it, which takes seconds for
many X-rays, so the selection goes into a figure only when something else about it changes. A map
drawn on the server has no such points: its figure is drawn anew for each selection.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from numpy.typing import NDArray

from pneumo_core.embeddings import points_inside

__all__ = [
    "Chosen",
    "clear",
    "find_by_name",
    "keep_figure",
    "selected_rows",
    "take",
    "take_region",
]

Chosen = NDArray[np.bool_] | None

_PICKED, _FOUND, _TURN = "mapped selection", "map find", "mapped selection changed"


@dataclass(frozen=True, eq=False)
class _Region:
    """X-rays inside a lasso on a large map: bool (N,), and what identifies its X-rays."""

    films: Hashable
    inside: NDArray[np.bool_]


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
    if isinstance(picked, _Region):
        return picked.inside if picked.films == _identity(films) else None
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
    rows = _rows(st.session_state[chart]["selection"]["points"])
    st.session_state[_PICKED] = frozenset(films["id"].iloc[rows]) or None
    st.session_state[_FOUND] = ""


def take_region(chart: str, points: NDArray[np.float32], films: pd.DataFrame) -> None:
    """Select what lies inside the lassos and boxes on a large map (N, 2), or what was clicked."""
    selection = st.session_state[chart]["selection"]
    inside = np.zeros(len(films), bool)
    for lasso in selection["lasso"]:
        inside |= points_inside(points, list(zip(lasso["x"], lasso["y"], strict=True)))
    for box in selection["box"]:
        (left, right), (bottom, top) = box["x"], box["y"]
        corners = [(left, bottom), (right, bottom), (right, top), (left, top)]
        inside |= points_inside(points, corners)
    if not (selection["lasso"] or selection["box"]):
        inside[_rows(selection["points"])] = True
    st.session_state[_PICKED] = _Region(_identity(films), inside) if inside.any() else None
    st.session_state[_FOUND] = ""
    _turn()


def clear() -> None:
    """Clear the selection and redraw the figures."""
    st.session_state[_PICKED] = None
    st.session_state[_FOUND] = ""
    _turn()


def _turn() -> None:
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def _rows(points: list[dict[str, Any]]) -> list[int]:
    rows = []
    for point in points:
        row = point.get("customdata")
        row = row[0] if isinstance(row, list | tuple) else row
        if row is not None:
            rows.append(int(row))
    return rows


def _identity(films: pd.DataFrame) -> Hashable:
    return len(films), str(films["id"].iloc[0]), str(films["id"].iloc[-1])
