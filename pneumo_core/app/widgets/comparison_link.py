"""A link to the page that compares a model with another one."""

import streamlit as st

from pneumo_core.checkpoints import list_checkpoints

__all__ = ["link_to_comparison"]


def link_to_comparison(checkpoint: str) -> None:
    """Show a link that compares the model with the default, or the default with the next one."""
    others = [each.name for each in list_checkpoints()[0] if each.name != checkpoint]
    if not others:
        return
    st.page_link(
        "pages/compare.py",
        label="Compare it",
        icon=":material/compare_arrows:",
        query_params={"checkpoints": f"{checkpoint},{others[0]}"},
        width="content",
    )
