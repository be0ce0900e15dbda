"""A reader's own calls on the list: how many, how well they agree with the models, as a file."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pneumo_core.app.audit_log import logged_export
from pneumo_core.app.reading_room.reader_calls import marks_text
from pneumo_core.app.reading_room.worklist import Item, Worklist
from pneumo_core.app.sign_in import person
from pneumo_core.app.words import plain
from pneumo_core.audit import CONFIDENCE, open_log
from pneumo_core.audit.reader_study import second_opinions
from pneumo_core.core.spreadsheets import spreadsheet_csv
from pneumo_core.errors import AuditError

__all__ = ["calls_table", "show_own_calls"]


def show_own_calls(worklist: Worklist, items: Sequence[Item]) -> None:
    """Offer the reader's calls; the agreement with the models only when none is left to call."""
    made = [item for item in items if item.call]
    if not made:
        return
    left = sum(item.hidden for item in items)
    menu = st.popover(
        f"Your calls: {len(made)} of {len(made) + left}",
        icon=":material/fact_check:",
        key="own calls",
        on_change="rerun",
        width="stretch",
    )
    if not menu.open:
        return
    with menu:
        st.download_button(
            "CSV",
            logged_export(
                lambda: spreadsheet_csv(calls_table(worklist, made)),
                subject=f"CSV, {len(made)} calls, with names",
            ),
            "pneumo-calls.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="A row for each X-ray that you called, with its name, in the random order.",
        )
        if left:
            st.caption("How well you and the models agree appears when none is left to call.")
        else:
            _show_agreement()


def calls_table(worklist: Worklist, items: Sequence[Item]) -> pd.DataFrame:
    """Return a row for each X-ray that was called: call, confidence, marks, time, result."""
    seed = worklist.own.seed
    ordered = sorted(items, key=lambda item: worklist.own.place_of(item.film.key))
    return pd.DataFrame(
        [
            {
                "file": item.film.name,
                "call": item.call.word,
                "confidence": item.call.confidence,
                "meaning": CONFIDENCE.get(item.call.confidence or 0, ""),
                "marks": marks_text(item.call.marks) or "",
                "seconds": item.call.seconds,
                "model": item.reading.model if item.reading else "",
                "probability": item.reading.probability if item.reading else None,
                "seed": seed,
            }
            for item in ordered
            if item.call
        ]
    )


def _show_agreement() -> None:
    """Show this person's agreement with the models, over everything they called so far."""
    who = person().name
    try:
        found = second_opinions(open_log().called_films(), who=who)
    except AuditError as error:
        st.warning(plain(str(error)), icon=":material/error:")
        return
    rows = "\n".join(
        f"| {plain(each.checkpoint)} | {each.counts.n} | {plain(str(each.agreement))} "
        f"| {plain(str(each.kappa))} |"
        for each in found
        if each.who == who
    )
    st.markdown(f"| Model | X-rays | Agreement | κ |\n|:--|--:|:--|:--|\n{rows}")
    st.caption("Over all your calls that were made before a result was shown.")
    st.page_link("pages/log.py", label="Reader agreement and ROC", icon=":material/history:")
