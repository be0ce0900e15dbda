"""A map of more X-rays than a browser can draw one by one.

The server draws the part in view, as a picture or, zoomed in, as points; and finds what lies inside
a lasso.
"""

from collections.abc import Hashable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pneumo_core.app.embeddings.hover_pictures import show_on_hover
from pneumo_core.app.embeddings.lasso import Chosen, keep_figure, take_region
from pneumo_core.app.embeddings.map_options import Look
from pneumo_core.app.memory import cached_for_all
from pneumo_core.app.widgets.mouse import HOW_TO_SELECT
from pneumo_core.app.widgets.script import script_component
from pneumo_core.app.words import x_rays
from pneumo_core.embeddings import View
from pneumo_core.reports.figures import Coloured, Panel, density_map

__all__ = ["MANY", "show_large_map"]

MANY = 20_000
"""Above this number of X-rays a map is drawn on the server."""
_PICTURED = 300
"""X-rays in view up to which their pictures are prepared."""
_SCRIPT = Path(__file__).with_name("zoom.js")


def show_large_map(
    chart: str,
    key: Hashable,
    panel: Panel,
    films: pd.DataFrame,
    look: Look,
    chosen: Chosen,
    marked: NDArray[np.float32] | None,
) -> None:
    """Show the part in view of a map of X-rays (N); ``key`` identifies map and X-rays."""
    view = st.session_state.get(_view_key(chart, key)) or cached_for_all(
        "whole maps", key, lambda: View.of(panel.points), most=8
    )
    coloured = cached_for_all(
        "colours of maps", (key, look.by), lambda: Coloured.by(films[look.by]), most=4
    )
    told = (key, look, view, marked.tobytes() if marked is not None else b"")
    figure = keep_figure(
        chart,
        told,
        lambda: density_map(
            panel, films, coloured, view, chosen=chosen, marked=marked, drag=look.drag
        ),
    )
    st.plotly_chart(
        figure,
        key=chart,
        on_select=partial(take_region, chart, panel.points, films),
        selection_mode=("points", "box", "lasso"),
        config={
            "displaylogo": False,
            "scrollZoom": True,
            "doubleClick": False,
            "modeBarButtonsToRemove": ["autoScale2d", "resetScale2d"],
        },
        alt="Map of X-rays: neighbours are similar in this layer. Also searchable by name.",
    )
    script_component("pneumo_zoom", _SCRIPT)(
        key=f"zoom {chart}",
        data={"chart": chart.replace(" ", "-")},
        on_view_change=partial(_look_at, chart, key),
    )
    _say_what_is_in_view(chart, key, panel, films, view, look.drag)


def _view_key(chart: str, key: Hashable) -> str:
    return f"view of {chart} {hash(key)}"


def _look_at(chart: str, key: Hashable) -> None:
    left, right, bottom, top = map(float, st.session_state[f"zoom {chart}"]["view"])
    if left < right and bottom < top:
        st.session_state[_view_key(chart, key)] = View(left, right, bottom, top)


def _say_what_is_in_view(
    chart: str, key: Hashable, panel: Panel, films: pd.DataFrame, view: View, drag: str
) -> None:
    rows = np.flatnonzero(view.holds(panel.points))
    if len(rows) <= _PICTURED:
        show_on_hover(chart, films, rows)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"{x_rays(len(rows))} of {len(films):,} in view. The wheel zooms: up close, every "
            f"X-ray is a point. {HOW_TO_SELECT[drag]}"
        )
        if st.session_state.get(_view_key(chart, key)):
            st.button(
                "Whole map",
                icon=":material/zoom_out_map:",
                type="tertiary",
                key=f"whole {chart}",
                on_click=st.session_state.pop,
                args=(_view_key(chart, key), None),
            )
