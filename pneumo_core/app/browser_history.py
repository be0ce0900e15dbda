"""The browser's history: one entry for each page that was visited."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

__all__ = ["keep_one_entry"]


def keep_one_entry() -> None:
    """Let a changed query parameter replace the page's entry instead of adding one."""
    _component()(key="one entry")


@cache
def _component() -> "ComponentRenderer":
    script = Path(__file__).with_name("one_entry.js").read_text(encoding="utf-8")
    return st.components.v2.component("pneumo_one_entry", js=script)
