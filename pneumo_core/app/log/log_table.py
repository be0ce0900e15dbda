"""Search the log, show the entries, and export them."""

from datetime import UTC, datetime, time, timedelta
from io import BytesIO

import pandas as pd
import streamlit as st

from pneumo_core.app.audit_log import logged_export
from pneumo_core.app.log.reader_agreement import show_second_opinions
from pneumo_core.app.sign_in import may_change
from pneumo_core.app.widgets.tables import with_bounds
from pneumo_core.app.words import plain
from pneumo_core.audit import (
    DEEDS,
    AuditLog,
    entries_of,
    group_by_image,
    image_digest,
    open_log,
)
from pneumo_core.core.spreadsheets import spreadsheet_csv

__all__ = ["show_log"]

_MOST = 1000
_NAMES = {
    "number": "Entry",
    "moment": "When (UTC)",
    "who": "Who",
    "deed": "Action",
    "film": "X-ray (SHA-256)",
    "checkpoint": "Model",
    "version": "Version",
    "operating_point": "Operating point",
    "threshold": "Threshold",
    "result": "Result",
    "probability": "Probability",
    "subject": "Subject",
    "reason": "Reason",
    "seconds": "Seconds",
    "confidence": "Confidence",
    "marks": "Marks",
}

_NUMBERS = ("threshold", "probability")
_ROWS = ("One row per X-ray", "Every entry")
_CONFIG = {
    "When (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss"),
    "X-ray (SHA-256)": st.column_config.TextColumn(width="small"),
}


def show_log() -> None:
    """Show the search and the agreement of readers and models; analysts only."""
    st.markdown(
        "Who read X-rays, with model and result, trained, added or deleted models and datasets, or "
        "exported results of X-rays, on the pages, the command line and the gateway. Calls from "
        "Python and downloads on Evaluate, Compare, Embeddings and Data are not recorded. X-rays "
        "are identified by the SHA-256 of their file; images, file names and patients are not "
        "stored. Entries cannot be changed or deleted."
    )
    if not may_change("see the log"):
        return
    log = open_log()
    counts = log.counts()
    if not counts:
        st.info(
            "No entries yet. Read an X-ray to create one.",
            icon=":material/history:",
        )
        st.page_link("pages/read.py", label="Read X-rays", icon=":material/pulmonology:")
        return
    entries, opinions = st.tabs(["Entries", "Reader agreement"])
    with entries:
        _show_entries(log, counts)
    with opinions:
        show_second_opinions(log)


def _show_entries(log: AuditLog, counts: dict[str, int]) -> None:
    found = _search(log, counts)
    if found.empty:
        st.info("No entries match these filters.", icon=":material/search_off:")
        return
    _table(found)
    _show_export(found)


def _search(log: AuditLog, counts: dict[str, int]) -> pd.DataFrame:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        who = st.text_input("Who", placeholder="Part of a name", width=180, key="log who")
        deed = st.selectbox(
            "Action",
            [None, *(each for each in DEEDS if each in counts)],
            format_func=lambda each: f"{each} ({counts[each]:,})" if each else "everything",
            width=190,
            key="log deed",
        )
        checkpoint = st.text_input("Model", placeholder="Name", width=180, key="log checkpoint")
        days = st.date_input("Days (UTC)", value=[], width=270, key="log days")
    film = _film()
    first, last = (*days, None, None)[:2]
    return log.search(
        who=who.strip() or None,
        deed=deed,
        checkpoint=checkpoint.strip() or None,
        film=film or None,
        since=datetime.combine(first, time()) if first else None,
        until=datetime.combine(last or first, time()) + timedelta(days=1) if first else None,
        most=_MOST,
    )


def _film() -> str:
    """Ask for an X-ray: the beginning of its SHA-256, or its file."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input(
            "X-ray", placeholder="Beginning of its SHA-256", width=380, key="log film"
        )
        given = st.file_uploader(
            "Or upload the X-ray: it stays in memory, only its SHA-256 is used",
            width=420,
            key="log upload",
        )
    if given is None:
        return typed.strip()
    digest = image_digest(given.getvalue())
    st.caption(f"SHA-256: {digest}")
    return digest


def _table(found: pd.DataFrame) -> None:
    """Show a row for each X-ray, whose entries a click unfolds, or every entry."""
    more = f"The newest {_MOST:,} matching entries" if len(found) == _MOST else ""
    told = more or ("1 entry" if len(found) == 1 else f"{len(found):,} entries")
    grouped = group_by_image(found)
    with st.container(horizontal=True, vertical_alignment="center"):
        way = st.segmented_control(
            "Rows",
            _ROWS,
            default=_ROWS[0],
            required=True,
            key="log rows",
            label_visibility="collapsed",
        )
        rows = "1 row" if len(grouped) == 1 else f"{len(grouped):,} rows"
        st.markdown(f"{told} in {rows}" if way == _ROWS[0] else told)
    if way != _ROWS[0]:
        _show_every(found, "log entries")
        return
    picked = _show_grouped(grouped)
    if picked is None:
        st.caption("Click a row to unfold its entries.")
        return
    row = grouped.iloc[picked]
    st.markdown(
        f"**{row['entries']} entries** of the X-ray {row['film'][:12]}"
        if row["film"]
        else "**The entry**"
    )
    _show_every(entries_of(found, str(row["film"]), int(row["first"])), "log unfolded")


def _show_grouped(grouped: pd.DataFrame) -> int | None:
    """Show a row for each X-ray; return the number of the clicked one."""
    shown = grouped.drop(columns=["first"]).rename(columns=_NAMES | {"entries": "Entries"})
    event = st.dataframe(
        shown,
        key="log grouped",
        hide_index=True,
        height=480 if len(shown) > 12 else "auto",
        on_select="rerun",
        selection_mode=("single-row", "single-cell"),
        alt="A row for each X-ray and each other action, the newest first. Click one to unfold it.",
        column_config=_CONFIG | {"Entries": st.column_config.NumberColumn(width="small")},
    )
    rows = [row for row, _ in event.selection.cells] or event.selection.rows
    return rows[0] if rows and rows[0] < len(grouped) else None


def _show_every(found: pd.DataFrame, key: str) -> None:
    """Show every entry; what does not apply is blank, and so is a column that no entry has."""
    used = [name for name in map(str, found) if found[name].notna().any()]
    shown = found[used].copy()
    if "seconds" in shown:
        shown["seconds"] = [f"{each:.1f}" if pd.notna(each) else "" for each in shown["seconds"]]
    texts = [name for name in map(str, shown) if name not in (*_NUMBERS, "moment", "number")]
    shown[texts] = shown[texts].fillna("")
    st.dataframe(
        with_bounds(shown.rename(columns=_NAMES), ["Threshold", "Probability"]),
        key=key,
        hide_index=True,
        height=480 if len(shown) > 12 else "auto",
        alt="Log entries, one in a row.",
        column_config=_CONFIG,
    )


def _show_export(found: pd.DataFrame) -> None:
    told = f"log, {len(found)} entries"
    stamp = f"{datetime.now(UTC):%Y-%m-%d}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Export:", width="content")
        st.download_button(
            "CSV",
            logged_export(
                lambda: spreadsheet_csv(found),
                subject=f"CSV, {told}",
            ),
            f"pneumo-log-{stamp}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Parquet",
            logged_export(lambda: _parquet(found), subject=f"Parquet, {told}"),
            f"pneumo-log-{stamp}.parquet",
            "application/vnd.apache.parquet",
            icon=":material/download:",
            on_click="ignore",
        )
    meanings = " · ".join(f"**{deed}**: {plain(meaning)}" for deed, meaning in DEEDS.items())
    with st.expander("What each action means"):
        st.markdown(meanings)


def _parquet(found: pd.DataFrame) -> bytes:
    buffer = BytesIO()
    found.to_parquet(buffer, index=False)
    return buffer.getvalue()
