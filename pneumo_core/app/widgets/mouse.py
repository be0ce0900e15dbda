"""Choose what the mouse does on a plot: Streamlit allows a lasso or clicks, not both."""

import streamlit as st

__all__ = ["HOW_TO_SELECT", "choose_drag"]

_DRAGS = {"lasso": ":material/lasso_select: Drawing", "pan": ":material/ads_click: Clicking"}


HOW_TO_SELECT = {
    "lasso": "Draw around X-rays on the plot to see them.",
    "pan": "Drag to move the plot. Click X-rays on it to see them.",
}
"""What to do, by dragmode."""


def choose_drag(key: str, start: str = "lasso") -> str:
    """Ask how to select points; returns plotly's dragmode."""
    chosen = st.segmented_control(
        "Select by",
        list(_DRAGS),
        default=start,
        required=True,
        format_func=_DRAGS.__getitem__,
        key=key,
        width="content",
    )
    return str(chosen or start)
