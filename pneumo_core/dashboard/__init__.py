"""What the pages are made of: the only room that knows Streamlit.

``open_page`` and ``plain`` come at once; ``cards``, ``choices``, ``films``, ``readings`` and
``film_view`` stand on torch, so a page imports them after its first words are on the screen.
"""

from pneumo_core.dashboard.page import open_page
from pneumo_core.dashboard.words import plain

__all__ = ["open_page", "plain"]
