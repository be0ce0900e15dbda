"""Scripts that run beside a page."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

__all__ = ["script_component"]


@cache
def script_component(name: str, script: Path) -> "ComponentRenderer":
    """Return a component without elements of its own, whose script is this file."""
    return st.components.v2.component(name, js=script.read_text(encoding="utf-8"))
