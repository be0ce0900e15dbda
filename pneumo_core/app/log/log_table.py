"""The log on the screen: what is asked of it, what was found, and found entries taken away."""

from datetime import UTC, datetime, time, timedelta
from io import BytesIO

import pandas as pd
import streamlit as st

from pneumo_core.app.actions import recorded
from pneumo_core.app.log.reader_agreement import show_second_opinions
from pneumo_core.app.sign_in import may_change
from pneumo_core.app.widgets.tables import with_bounds
from pneumo_core.app.words import plain
from pneumo_core.audit import DEEDS, AuditLog, film_digest, open_log

__all__ = ["show_log"]

_MOST = 1000
_NAMES = {
    "number": "Number",
    "moment": "When (UTC)",
    "who": "Who",
    "deed": "What",
    "film": "Film (SHA-256)",
    "checkpoint": "Checkpoint",
    "version": "Version",
    "operating_point": "Operating point",
    "threshold": "Threshold",
    "result": "Result",
    "probability": "Probability",
    "subject": "Of what",
    "reason": "Why",
    "seconds": "Seconds",
}


def show_log() -> None:
    """A search over the log and what it says of readers and models, for analysts only."""
    st.markdown(
        "Every film that was read, with whose answer, and everything that was trained, deleted, "
        "added or taken away. Films stand here by the SHA-256 of their file; pictures, file names "
        "and patients don't. Entries are only ever added."
    )
    if not may_change("see the log"):
        return
    log = open_log()
    counts = log.counts()
    if not counts:
        st.info(
            "Nothing was done yet. Read a film, and its entry stands here.",
            icon=":material/history:",
        )
        return
    entries, opinions = st.tabs(["Entries", "Second opinion"])
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
    _take_away(found)


def _search(log: AuditLog, counts: dict[str, int]) -> pd.DataFrame:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        who = st.text_input("Who", placeholder="Part of a name", width=180, key="log who")
        deed = st.selectbox(
            "What",
            [None, *(each for each in DEEDS if each in counts)],
            format_func=lambda each: f"{each} ({counts[each]:,})" if each else "everything",
            width=190,
            key="log deed",
        )
        checkpoint = st.text_input(
            "Checkpoint", placeholder="Its name", width=180, key="log checkpoint"
        )
        days = st.date_input("Days (UTC)", value=[], width=230, key="log days")
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
    """The film that is asked for: the beginning of its SHA-256, or that of a file."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        typed = st.text_input(
            "Film", placeholder="The beginning of its SHA-256", width=380, key="log film"
        )
        given = st.file_uploader(
            "Or the film itself: it stays in memory, and only its SHA-256 is asked for",
            width=420,
            key="log upload",
        )
    if given is None:
        return typed.strip()
    digest = film_digest(given.getvalue())
    st.caption(f"Asked for: {digest}")
    return digest


def _table(found: pd.DataFrame) -> None:
    more = f"The newest {_MOST:,} entries like that" if len(found) == _MOST else ""
    st.markdown(more or ("1 entry" if len(found) == 1 else f"{len(found):,} entries"))
    st.dataframe(
        with_bounds(found.rename(columns=_NAMES), ["Threshold", "Probability"]),
        hide_index=True,
        height=480 if len(found) > 12 else "auto",
        alt="What was done: a row for each entry, the newest first.",
        column_config={
            "When (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm:ss"),
            "Film (SHA-256)": st.column_config.TextColumn(width="small"),
            **{
                name: None
                for key, name in _NAMES.items()
                if key != "number" and found[key].isna().all()
            },
        },
    )


def _take_away(found: pd.DataFrame) -> None:
    told = f"log, {len(found)} entries"
    stamp = f"{datetime.now(UTC):%Y-%m-%d}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("What was found:", width="content")
        st.download_button(
            "CSV",
            recorded(lambda: found.to_csv(index=False).encode("utf-8-sig"), subject=f"CSV, {told}"),
            f"pneumo-log-{stamp}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Parquet",
            recorded(lambda: _parquet(found), subject=f"Parquet, {told}"),
            f"pneumo-log-{stamp}.parquet",
            "application/vnd.apache.parquet",
            icon=":material/download:",
            on_click="ignore",
        )
    meanings = " · ".join(f"**{deed}**: {plain(meaning)}" for deed, meaning in DEEDS.items())
    with st.expander("What the words mean"):
        st.markdown(meanings)


def _parquet(found: pd.DataFrame) -> bytes:
    buffer = BytesIO()
    found.to_parquet(buffer, index=False)
    return buffer.getvalue()
