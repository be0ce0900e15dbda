"""Choose what the mouse does on a plot: Streamlit allows a lasso or clicks, not both."""

import streamlit as st

__all__ = ["choose_drag"]

_DRAGS = {"lasso": ":material/lasso_select: Lasso", "pan": ":material/ads_click: Click and move"}


def choose_drag(key: str) -> str:
    """Ask for lasso or click; returns plotly's dragmode."""
    chosen = st.segmented_control(
        "Mouse",
        list(_DRAGS),
        default="lasso",
        required=True,
        format_func=_DRAGS.__getitem__,
        key=key,
        width="content",
    )
    return str(chosen or "lasso")
