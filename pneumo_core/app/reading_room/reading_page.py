"""The Read page put together: worklist, viewer, result."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.audit_log import record_readings
from pneumo_core.app.reading_room.beside import choose_beside
from pneumo_core.app.reading_room.cached_readings import read_waiting, say_progress
from pneumo_core.app.reading_room.display_options import (
    check_outcome,
    choose_look,
    explain_look,
)
from pneumo_core.app.reading_room.exports import offer_result
from pneumo_core.app.reading_room.own_study import show_own_calls
from pneumo_core.app.reading_room.read_first import (
    ask_for_call,
    restore_calls,
    show_decision,
    tell,
)
from pneumo_core.app.reading_room.reader_calls import Marks
from pneumo_core.app.reading_room.similar_images import show_similar
from pneumo_core.app.reading_room.uploads import add_films, add_more, carry
from pneumo_core.app.reading_room.verdict import (
    offer_rotation,
    show_opinions,
    show_prevalence,
    show_probability,
    show_verdict,
)
from pneumo_core.app.reading_room.viewer import show_image
from pneumo_core.app.reading_room.worklist import Item, Worklist
from pneumo_core.app.reading_room.worklist_table import show_steps, show_worklist
from pneumo_core.checkpoints import Checkpoint, OperatingPoint
from pneumo_core.reports import Overlay

__all__ = ["show_empty_room", "show_reading_room"]

_WIDTHS = (6, 15, 9)
"""Of the worklist, the X-ray and the result."""


def show_empty_room(worklist: Worklist, *, ready: bool) -> None:
    """Show the uploader and the samples; ``ready``: there is a model to read with."""
    with st.container(key="empty-room"):
        add_films(worklist)
        if ready:
            st.info(
                "No X-rays yet. Upload one or more, or choose a sample. The X-ray, its result "
                "and the evidence appear here.",
                icon=":material/upload_file:",
            )


def show_reading_room(
    worklist: Worklist, checkpoint: Checkpoint, point: OperatingPoint, panel: Sequence[Checkpoint]
) -> None:
    """Show the worklist, the open X-ray and its result side by side, and continue reading.

    ``panel``: the other checkpoints that give a second opinion.

    Elements that come and go sit in containers of their own: if the number of elements above
    changed, the browser would redraw what follows and briefly show it twice.
    """
    listed, seen, said = st.columns(_WIDTHS, gap="medium")
    with listed, st.container(key="worklist"):
        add_more(worklist)
        with st.container():
            say_progress(worklist, checkpoint, panel)
        restore_calls(worklist)
        items = worklist.items(checkpoint, point, [checkpoint, *panel])
        tell(worklist, items)
        with st.container():
            show_own_calls(worklist, items)
        with st.container():
            opened = show_worklist(worklist, items)
    worklist.own.look(opened.film.key if opened and opened.hidden else None, time.monotonic())
    carry(opened.film if opened else None)
    if opened:
        readable = [item for item in items if item.reading and item.reading.predicted is not None]
        with seen, st.container(key="film"):
            export = show_steps(worklist, opened)
            stage = st.container()
        with said, st.container(key="result"):
            look = _show_result(worklist, opened, checkpoint, point, readable, export)
        with stage:
            inverted = opened.reading is not None and opened.reading.inverted
            show_image(
                opened.film,
                look,
                title=opened.title,
                inverted=inverted,
                marks=_marks(worklist, opened),
                on_mark=_on_mark(worklist) if opened.hidden else None,
                beside=partial(choose_beside, opened, look, panel, items),
            )
        if opened.reading and opened.reading.predicted is not None:
            _offer_similar(opened, checkpoint, look)
    elif items:
        seen.caption(
            "Click a row to open an X-ray. The most suspicious one opens when all are read."
        )
    read_waiting(worklist, checkpoint, panel)


def _show_result(
    worklist: Worklist,
    item: Item,
    checkpoint: Checkpoint,
    point: OperatingPoint,
    readable: Sequence[Item],
    export: DeltaGenerator,
) -> Overlay | None:
    """Show one X-ray's result and heat map options; return the heat map to draw.

    ``export``: where the menu of exports goes.
    """
    with st.container():
        if item.hidden:
            ask_for_call(worklist, item)
        else:
            show_verdict(item)
            show_decision(worklist, item)
        offer_rotation(worklist, item)
    if item.reading:
        record_readings([(item.film, item.reading)])
    return _ask(item, checkpoint, point, readable, export)


def _on_mark(worklist: Worklist) -> Callable[[str, Any], None]:
    return lambda key, points: worklist.own.mark(key, points or ())


def _marks(worklist: Worklist, item: Item) -> Marks:
    return item.call.marks if item.call else worklist.own.marks.get(item.film.key, ())


def _offer_similar(item: Item, checkpoint: Checkpoint, look: Overlay | None) -> None:
    drawer = st.expander(
        "Similar training X-rays", icon=":material/compare:", key="similar", on_change="rerun"
    )
    if drawer.open:
        with drawer:
            show_similar(item, checkpoint, look)


def _ask(
    item: Item,
    checkpoint: Checkpoint,
    point: OperatingPoint,
    readable: Sequence[Item],
    export: DeltaGenerator,
) -> Overlay | None:
    reading, film = item.reading, item.film
    if reading is None:
        return None
    show_probability(reading, checkpoint, point)
    with st.container():
        look = choose_look(item, reading, checkpoint, readable)
        if look:
            explain_look(look, item, checkpoint)
    with st.container():
        show_opinions(item.opinions)
    prevalence = show_prevalence(reading, checkpoint, point)
    menu = export.popover("Export", icon=":material/download:", key="away", on_change="rerun")
    if menu.open:
        with menu:
            offer_result(
                film,
                reading,
                checkpoint,
                point,
                look and replace(look, check=check_outcome(look, item, checkpoint)),
                prevalence,
                opinions=[each for each in item.opinions if each.model != checkpoint.name],
            )
    return look
