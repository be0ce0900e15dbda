"""The caption below a heat map: its share inside the lungs."""

import streamlit as st

from pneumo_core.explanations import HeatMap

__all__ = ["show_share_inside_lungs"]


def show_share_inside_lungs(heat: HeatMap) -> None:
    """Show the share as a sentence, in bold where it is a warning; nothing for an empty map."""
    if heat.lungs_warning:
        st.caption(f"**{heat.lungs_warning}**")
    elif heat.lungs_sentence:
        st.caption(heat.lungs_sentence)
