"""Layout of the pages for analysts: charts at the left, and what they select beside them."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

__all__ = ["beside"]

_STYLE = """<style>
@media (min-width: 900px) {
  [data-testid="stColumn"]:has(> div > [class*="st-key-beside-"]) { align-self: stretch; }
  [data-testid="stColumn"]:has(> div > [class*="st-key-beside-"]) > div {
    position: sticky; top: 3.25rem; height: fit-content; max-height: calc(100vh - 3.5rem);
    overflow-y: auto; }
}
/* As high as the boxes beside them, so that the labels of a row are aligned. */
[data-testid="stButtonGroup"] button { min-height: 2.5rem; }
[class*="st-key-beside-"] [data-testid="stButtonGroup"] button { min-height: 2rem; }
[class*="st-key-beside-"] [data-testid="stButtonGroup"] [role="radiogroup"] { flex-wrap: wrap; }
[class*="st-key-beside-"] [data-testid="stButtonGroup"] button { padding: 0.2rem 0.5rem; }
[class*="st-key-beside-"] [data-testid="stButtonGroup"] button p { font-size: 0.82rem; }
/* On a phone the columns are one below the other: the selection comes first. */
@media (max-width: 640px) {
  [data-testid="stColumn"]:has(> div > [class*="st-key-beside-"]) { order: -1; }
}
</style>"""


def beside(key: str, *, weights: tuple[int, int] = (7, 5)) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return a column for charts, and one that stays in view beside whichever chart was clicked."""
    st.html(_STYLE)
    charts, panel = st.columns(weights, gap="medium")
    return charts, panel.container(key=f"beside-{key}", gap="small")
