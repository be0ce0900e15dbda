"""The worklist table with its filters, and the Previous and Next buttons."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.audit_log import logged_export
from pneumo_core.app.reading_room.worklist import (
    GROUPS,
    ORDERS,
    Item,
    Worklist,
    next_to,
    sort_items,
)
from pneumo_core.app.widgets.tables import with_bounds
from pneumo_core.app.words import count_text, plain, tally
from pneumo_core.reading import Reading
from pneumo_core.reports import to_csv, worklist_json

__all__ = ["show_steps", "show_worklist"]

_TABLE = "table"
_ROW = 44
_ROWS_SHOWN = 11
_ALL = "All"


def show_worklist(worklist: Worklist, items: Sequence[Item]) -> Item | None:
    """Show the list and its filters if there are several X-rays; return the one to show.

    An X-ray stays open until another one is picked, even if a filter hides its row. None is opened
    automatically while X-rays are being read; afterwards the first one is.
    """
    shown = _filters(items) if len(items) > 1 else list(items)
    worklist.shown = tuple(item.film.key for item in shown)
    if worklist.opened not in worklist.films:
        ready = worklist.stopped or all(item.reading or item.hidden for item in items)
        worklist.opened = worklist.shown[0] if ready and shown else None
    if len(items) > 1:
        _table(worklist, shown)
        _show_export(items, shown)
    return next((item for item in items if item.film.key == worklist.opened), None)


def show_steps(worklist: Worklist, item: Item) -> DeltaGenerator:
    """Show the X-ray's name with the Previous, Next and Remove buttons.

    Returns the place beside them for the menu of exports.
    """
    before, after = next_to(worklist.shown, item.film.key)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="steps"):
        if len(worklist.films) > 1:
            _step(worklist, "Previous", before, ":material/chevron_left:", "Left")
            _step(worklist, "Next", after, ":material/chevron_right:", "Right")
        place = ""
        if item.film.key in worklist.shown and len(worklist.shown) > 1:
            place = f" · {worklist.shown.index(item.film.key) + 1} of {len(worklist.shown)}"
        st.markdown(f"**{plain(item.title)}**{place}", width="stretch")
        export = st.container(width="content")
        st.button(
            "Remove",
            icon=":material/close:",
            type="tertiary",
            width="content",
            help="Removes this X-ray from the list and from this session's memory.",
            on_click=worklist.remove,
            args=(item.film.key,),
            key="remove",
        )
    return export


def _step(worklist: Worklist, label: str, key: str | None, icon: str, arrow: str) -> None:
    st.button(
        label,
        icon=icon,
        disabled=key is None,
        shortcut=f"Shift+{arrow}",
        help=f"Shift + {arrow.lower()} arrow",
        on_click=worklist.open,
        args=(key,),
        key=label,
    )


def _filters(items: Sequence[Item]) -> list[Item]:
    """Show the filters and the order; return the items that match, in that order."""
    counts = {name: sum(item.group == name for item in items) for name in GROUPS}
    names = [_ALL, *(name for name, count in counts.items() if count)]
    st.markdown(count_text([item.status for item in items]))
    with st.popover("Filter and order", icon=":material/filter_list:", width="stretch"):
        group = st.segmented_control(
            "Show",
            names,
            default=_ALL,
            required=True,
            key="group",
            format_func=lambda name: name if name == _ALL else f"{name} {counts[name]}",
            width="content",
        )
        text = st.text_input("File name", placeholder="Part of a file name", key="search")
        order = st.selectbox(
            "Order", list(ORDERS), key="order", help="Previous and next follow this order."
        )
    return sort_items(items, order=order, group=None if group in (None, _ALL) else group, text=text)


def _table(worklist: Worklist, shown: Sequence[Item]) -> None:
    if not shown:
        st.info("No X-rays match. Change the filter or the search text.")
        return
    rows = [row for row, key in enumerate(worklist.shown) if key == worklist.opened]
    st.session_state[_TABLE] = {"selection": {"rows": rows, "columns": [], "cells": []}}
    st.dataframe(
        with_bounds(_frame(shown), ["Probability"], pictures=["X-ray"]),
        key=_TABLE,
        hide_index=True,
        height=_ROW * min(len(shown), _ROWS_SHOWN) + 40,
        row_height=_ROW,
        on_select=lambda: _select(worklist),
        selection_mode=("single-row", "single-cell"),
        placeholder="",
        alt="The worklist: a row for each X-ray. Click a row to open it.",
        column_config={
            "X-ray": st.column_config.ImageColumn(width=52),
            "Probability": st.column_config.NumberColumn("P", width=64),
            "Result": st.column_config.TextColumn(width="small"),
            "File": st.column_config.TextColumn(width="medium"),
            "Models": st.column_config.TextColumn(width="medium"),
            "Notes": st.column_config.TextColumn(width="large"),
        },
    )


def _select(worklist: Worklist) -> None:
    """Open the X-ray whose row was ticked or whose cell was clicked."""
    picked = st.session_state[_TABLE]["selection"]
    rows = [row for row, _ in picked["cells"]] or picked["rows"]
    if rows and rows[0] < len(worklist.shown):
        worklist.opened = worklist.shown[rows[0]]


def _frame(shown: Sequence[Item]) -> pd.DataFrame:
    readings = [item.reading for item in shown]
    calls = [item.call.word if item.call else "" for item in shown]
    return pd.DataFrame(
        {
            "X-ray": [item.thumbnail for item in shown],
            "Probability": pd.Series(
                [each.probability if each else None for each in readings], dtype="Float64"
            ),
            **({"Your call": calls} if any(calls) else {}),
            "Result": [_verdict(item) for item in shown],
            "File": [item.title for item in shown],
            "Models": [tally(item.opinions) for item in shown],
            "Notes": [_remarks(each) for each in readings],
        }
    )


def _verdict(item: Item) -> str:
    if item.hidden:
        return "After your call"
    return item.group


def _remarks(reading: Reading | None) -> str:
    """Return why it was not read, or the warnings."""
    if reading is None:
        return ""
    told = " ".join((*reading.reasons, *reading.warnings))
    return told if reading.status == "read" else f"{reading.status.capitalize()}: {told}"


def _show_export(items: Sequence[Item], shown: Sequence[Item]) -> None:
    """Offer the whole list as a file, in the order shown, filtered-out X-rays last."""
    hidden = [item for item in items if item not in shown]
    readings = [item.reading for item in (*shown, *hidden) if item.reading]
    told = f"list of {len(readings)} X-rays, with names"
    with st.popover("Export the list", icon=":material/download:", width="stretch"):
        st.download_button(
            "CSV",
            logged_export(lambda: to_csv(readings).encode("utf-8-sig"), subject=f"CSV, {told}"),
            "pneumo-worklist.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="A row per X-ray, with file names.",
        )
        st.download_button(
            "JSON",
            logged_export(lambda: worklist_json(readings).encode(), subject=f"JSON, {told}"),
            "pneumo-worklist.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
