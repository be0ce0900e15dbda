"""Work that takes a while: started by a button, with a bar, the time left, and a way out."""

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import streamlit as st

from pneumo_core.app.words import time_left_text
from pneumo_core.core.progress import Progress

__all__ = ["Cancelled", "Report", "cancellable", "cancellable_once"]

T = TypeVar("T")
Report = Callable[[str], Progress]


class Cancelled(Exception):
    """The work was not started, or stopped with its button; a text says what else kept it."""


def cancellable(name: str, compute: Callable[[Report], T], *, at_once: bool = False) -> T:
    """The result of ``compute``, once its visitor has pressed the button ``name``, or ``at_once``.

    ``compute`` gets a maker of progress bars, one for each stage by its title. A click on Cancel,
    as any other click, stops it between two steps. Raises Cancelled until there is a result.
    """
    wanted = f"wanted {name}"
    if not st.session_state.get(wanted, at_once):
        st.button(name, type="primary", on_click=_want, args=(wanted, True))
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
    """The result of ``cancellable``, kept by ``memory.kept`` or ``memory.shared``.

    It has a place of its own also when nothing is left to compute: else what stands below would
    move when the bar is not drawn any more, and be drawn anew. Raises Cancelled.
    """
    with st.container():
        result: T = keep(shelf, key, lambda: cancellable(name, compute, at_once=at_once), most=most)
    return result


def _want(key: str, wanted: bool) -> None:
    st.session_state[key] = wanted
