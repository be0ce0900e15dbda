"""The frame around every page."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from pneumo_core.app.audit_log import say_unrecorded
from pneumo_core.app.browser_history import keep_one_entry
from pneumo_core.app.housekeeping import keep_house
from pneumo_core.app.late_torch import allow_late_torch
from pneumo_core.app.sign_in import is_signed_out, let_in, open_to_anyone, show_person
from pneumo_core.app.warm_up import warm_up
from pneumo_core.app.widgets.dataset_choice import choose_dataset_in_sidebar
from pneumo_core.app.widgets.kept_choices import keep_choices, restore_choices
from pneumo_core.app.words import plain
from pneumo_core.audit.roles import OPEN_LINE, Person
from pneumo_core.errors import AccessError, PneumoError

__all__ = ["MENU", "RESEARCH_LINE", "open_page"]

RESEARCH_LINE = "Research use only. Not a medical device."

MENU = (
    ("streamlit_app.py", "Home", ":material/home:"),
    ("pages/read.py", "Read X-rays", ":material/pulmonology:"),
    ("pages/evaluate.py", "Evaluate", ":material/query_stats:"),
    ("pages/compare.py", "Compare", ":material/compare_arrows:"),
    ("pages/embeddings.py", "Embeddings", ":material/scatter_plot:"),
    ("pages/data.py", "Data", ":material/folder_open:"),
    ("pages/train.py", "Train", ":material/model_training:"),
    ("pages/gateway.py", "Gateway", ":material/hub:"),
    ("pages/log.py", "Log", ":material/history:"),
)
"""Every page: file, name in the menu, icon."""

_LOGO = Path(__file__).with_name("logo.svg")

_STYLE = """<style>
.block-container { max-width: 1280px; padding-left: 2.5rem; padding-right: 2.5rem;
  padding-bottom: 3rem; }
[data-testid="stMarkdownContainer"] { overflow-wrap: anywhere; }
/* Streamlit's 0.6 is too pale to read. */
[data-testid="stApp"] [data-testid="stCaptionContainer"] { opacity: 0.8; }
[data-testid="stApp"] button:not(:disabled) kbd[aria-label^="Shortcut"] {
  color: inherit; opacity: 0.8; }
[data-testid="stMarkdownContainer"] table { width: 100%; }
/* It shows the server's limit; the limit per X-ray is in the label. */
:is(.st-key-films-in, .st-key-films-more) [data-testid="stFileUploaderDropzoneInstructions"] {
  display: none; }
:is(.st-key-films-in, .st-key-films-more) [data-testid="stFileUploaderDropzone"]::after {
  content: "Drop X-rays or a folder here"; opacity: 0.8; }
.st-key-films-in [data-testid="stFileUploaderDropzone"] {
  min-height: 9rem; align-items: center; justify-content: center; }
.st-key-sign-in { padding-top: 22vh; }
[data-testid="stSidebar"] [data-testid="stText"] { white-space: pre-wrap; overflow-wrap: anywhere; }
[data-testid="stImage"] img { max-height: 85vh; object-fit: contain; object-position: left top; }
body[style*="overflow: hidden"] [data-testid="stFullScreenFrame"] [data-testid="stImage"] img {
  max-height: 100vh; object-position: center; }
[data-testid="stImage"] img[alt^="Colours of the map"] { height: 0.9rem; object-fit: fill; }
/* The menu floats in the corner: the page begins beside it. */
[data-testid="stHeader"] { background: transparent; pointer-events: none; }
[data-testid="stHeader"] * { pointer-events: auto; }
.st-key-head { padding-right: 3rem; row-gap: 0; }
@media (min-width: 641px) { .block-container { padding-top: 0.6rem; } }
@media (max-width: 640px) {
  .block-container { padding-left: 1rem; padding-right: 1rem; padding-top: 3.2rem; }
  [data-testid="stHeader"] { background: var(--st-background-color, #fff); }
}
</style>"""

_WIDE = """<style>
.block-container { max-width: 1920px; padding-left: 1.5rem; padding-right: 1.5rem; }
.st-key-head h1 { font-size: 1.5rem; padding: 0.2rem 0; }
.st-key-films-more label { display: none; }
.st-key-films-more [data-testid="stFileUploaderDropzone"] {
  min-height: 0; padding: 0.25rem 0.5rem; font-size: 0.85rem;
  flex-direction: row; align-items: center; }
.st-key-films-more [data-testid="stFileUploaderDropzone"]::after { content: "or drop files"; }
.st-key-steps kbd { display: none; }
.st-key-steps { flex-wrap: nowrap; }
.st-key-steps [data-testid="stMarkdown"] { min-width: 0; }
.st-key-steps [data-testid="stMarkdown"] p {
  white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.st-key-result h2 { font-size: 1.4rem; padding-top: 0; }
.st-key-result table { font-size: 0.9rem; }
.st-key-result :is(td, th) { padding: 0.2rem 0.5rem; overflow-wrap: normal; }
@media (max-width: 640px) {
  .block-container [data-testid="stVerticalBlock"],
  .block-container [data-testid="stHorizontalBlock"] { gap: 0.35rem; }
  .block-container { padding-bottom: 1rem; }
  .st-key-toolbar button * { font-size: 0.85rem; }
  .st-key-tone [data-testid="stCaptionContainer"] { font-size: 0.75rem; }
  /* Icons alone; the words stay for screen readers. */
  .st-key-steps :is(.st-key-Previous, .st-key-Next, .st-key-remove) p { font-size: 0; }
  .st-key-result :is(td, th) { padding: 0.1rem 0.5rem; }
}
/* The X-ray stays visible while the other columns are scrolled. */
@media (min-width: 900px) {
  [data-testid="stColumn"]:has(.st-key-film) { align-self: stretch; }
  [data-testid="stColumn"]:has(.st-key-film) > div {
    position: sticky; top: 3.25rem; height: fit-content; }
}
</style>"""


@contextmanager
def open_page(title: str, *, wide: bool = False, keeps: tuple[str, ...] = ()) -> Iterator[None]:
    """Set up a page and draw its frame; a PneumoError inside is shown as a message.

    Every page calls it, because a deep link may open any page first. ``wide`` uses the full width
    of a large screen. ``keeps``: query parameters that are as they were when the page is opened
    from the menu again. If sign-in is required, visitors who are not signed in see only the sign-in
    screen.
    """
    who = _set_up(title, wide)
    restore_choices(title, keeps)
    with st.sidebar:
        for file, name, icon in MENU:
            st.page_link(file, label=name, icon=icon, width="stretch")
    choose_dataset_in_sidebar()
    with st.sidebar:
        show_person(who)
        keep_one_entry()  # here its empty element takes no room on the page
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="head"):
        st.title(title, anchor=False, width="content")
        st.caption(RESEARCH_LINE, width="content")
        if open_to_anyone():
            st.caption(f":material/lock_open: {OPEN_LINE}", width="content")
    with st.container():
        say_unrecorded()
    try:
        yield
    except PneumoError as error:
        st.error(plain(str(error)), icon=":material/error:")
    finally:
        keep_choices()
        warm_up()


def _set_up(title: str, wide: bool) -> Person:
    """Configure the page and sign the visitor in; return who they are."""
    allow_late_torch()
    try:
        shown = "Sign in" if is_signed_out() else title
        refused = ""
    except AccessError as error:
        shown, refused = "Sign in", str(error)
    st.set_page_config(
        page_title=f"{shown} · Pneumo",
        page_icon=str(_LOGO),
        layout="wide",
        initial_sidebar_state=200,
    )
    st.logo(str(_LOGO), size="large")
    keep_house()
    st.html(_STYLE)
    if wide:
        st.html(_WIDE)
    if not refused:
        try:
            return let_in(RESEARCH_LINE)
        except AccessError as error:
            refused = str(error)
    st.error(plain(refused), icon=":material/lock:")
    st.stop()
