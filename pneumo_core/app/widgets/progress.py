"""Long tasks: started by a button, with a progress bar, time left and a Cancel button."""

import time
from collections.abc import Callable, Hashable
from typing import Any, Literal, TypeVar

import streamlit as st

from pneumo_core.app.words import time_left_text
from pneumo_core.core.progress import Progress

__all__ = ["Cancelled", "Report", "cancellable", "cancellable_once"]

T = TypeVar("T")
Report = Callable[[str], Progress]


class Cancelled(Exception):
    """The task was not started, or was cancelled; the text may give another reason."""


def cancellable(
    name: str, compute: Callable[[Report], T], *, at_once: bool = False, primary: bool = True
) -> T:
    """Return the result of ``compute`` once the button ``name`` was pressed, or ``at_once``.

    ``compute`` gets a function that makes a progress bar for each stage title. A click on Cancel,
    or any other click, stops it between two steps. ``primary``: whether the button is the main one
    of the page. Raises Cancelled until there is a result.
    """
    wanted = f"wanted {name}"
    if not st.session_state.get(wanted, at_once):
        kind: Literal["primary", "secondary"] = "primary" if primary else "secondary"
        st.button(name, type=kind, on_click=_want, args=(wanted, True))
        raise Cancelled
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text=name, width="stretch")
        st.button("Cancel", key=f"cancel {name}", on_click=_want, args=(wanted, False))

    def report(stage: str) -> Progress:
        started = time.monotonic()

        def step(done: int, total: int) -> None:
            told = time_left_text(done, total, time.monotonic() - started)
            bar.progress(min(1.0, done / max(1, total)), text=f"{stage}: {told}")

        return step

    result = compute(report)
    place.empty()
    return result


def cancellable_once(
    keep: Callable[..., Any],
    shelf: str,
    key: Hashable,
    name: str,
    compute: Callable[[Report], T],
    *,
    most: int,
    at_once: bool = False,
) -> T:
    """Return the result of ``cancellable``, cached by a function of ``app.memory``.

    Its container is there even if nothing is left to compute: otherwise elements below would move
    when the bar disappears, and be redrawn. Raises Cancelled.
    """
    with st.container():
        result: T = keep(shelf, key, lambda: cancellable(name, compute, at_once=at_once), most=most)
    return result


def _want(key: str, wanted: bool) -> None:
    st.session_state[key] = wanted
