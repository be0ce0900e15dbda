"""What the pages are made of: the only room that knows Streamlit.

``open_page`` and ``plain`` come at once; every other module stands on torch, so a page imports it
after its first words are on the screen.
"""

from pneumo_core.app.page import open_page
from pneumo_core.app.words import plain

__all__ = ["open_page", "plain"]
