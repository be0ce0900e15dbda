"""The dashboard's pages and widgets; the only package that imports Streamlit.

``open_page`` and ``plain`` import quickly; the other modules may import torch, so a page imports
them after its frame is on the screen.
"""

from pneumo_core.app.page import open_page
from pneumo_core.app.words import plain

__all__ = ["open_page", "plain"]
