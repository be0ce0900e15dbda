"""Layout of the pages for analysts: charts at the left, and what they select beside them."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

__all__ = ["beside"]

_STYLE = """<style>
@media (min-width: 641px) {
  [data-testid="stColumn"]:has(> div > div > [class*="st-key-beside-"]) { align-self: stretch; }
  [data-testid="stColumn"]:has(> div > div > [class*="st-key-beside-"]) > div {
    position: sticky; top: 3.25rem; height: fit-content; max-height: calc(100vh - 3.5rem);
    overflow-y: auto; overflow-x: hidden; }
}
/* A picture in full screen lies above everything; Streamlit marks the body meanwhile. */
body[style*="overflow: hidden"] [data-testid="stColumn"]:has([class*="st-key-beside-"]),
body[style*="overflow: hidden"] [data-testid="stColumn"]:has([class*="st-key-beside-"]) > div {
  position: static !important; overflow: visible !important; max-height: none !important; }
/* On a phone the selection is a sheet at the lower edge: it is seen whichever chart is touched. */
@media (max-width: 640px) {
  [data-testid="stColumn"]:has(> div > div > [class*="st-key-beside-"]) {
    position: sticky; bottom: 0; z-index: 5; max-height: 36vh; overflow-y: auto;
    background: var(--st-background-color, #fff); border-top: 1px solid #c5d2da;
    padding: 0.5rem 0; }
}
[class*="st-key-title-"] { flex-wrap: nowrap; }
/* As high as the boxes beside them, so that the labels of a row are aligned. */
[data-testid="stButtonGroup"] button { min-height: 2.5rem; }
[class*="st-key-beside-"] [data-testid="stButtonGroup"] button { min-height: 2rem; }
[class*="st-key-beside-"] [data-testid="stButtonGroup"] [role="radiogroup"] { flex-wrap: wrap; }
[class*="st-key-beside-"] [data-testid="stButtonGroup"] button { padding: 0.2rem 0.5rem; }
[class*="st-key-beside-"] [data-testid="stButtonGroup"] button p { font-size: 0.82rem; }
</style>"""


def beside(key: str, *, weights: tuple[int, int] = (7, 5)) -> tuple[DeltaGenerator, DeltaGenerator]:
    """Return a column for charts, and one that stays in view beside whichever chart was clicked.

    On a phone the second one is a sheet at the lower edge.
    """
    st.html(_STYLE)
    charts, panel = st.columns(weights, gap="medium")
    return charts, panel.container(key=f"beside-{key}", gap="small")
