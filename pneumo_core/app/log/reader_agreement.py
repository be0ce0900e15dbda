"""Agreement of readers and models: who, on how many X-rays, how fast."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from pneumo_core.app.audit_log import logged_export
from pneumo_core.app.log.reader_rocs import show_rocs
from pneumo_core.app.words import duration_text
from pneumo_core.audit import AuditLog
from pneumo_core.audit.reader_study import SecondOpinion, opinions_table, second_opinions
from pneumo_core.core.spreadsheets import spreadsheet_csv

__all__ = ["show_second_opinions"]


def show_second_opinions(log: AuditLog) -> None:
    """Show a row for each reader and model, or explain how to start."""
    entries = log.called_films()
    found = second_opinions(entries)
    if not found:
        st.info(
            "No blinded reads yet. Turn on *Read first* on the page Read X-rays and make a few "
            "calls; this page then shows how well readers and models agree.",
            icon=":material/visibility:",
        )
        st.page_link(
            "pages/read.py",
            label="Read first",
            icon=":material/pulmonology:",
            query_params={"first": "1"},
        )
        return
    st.markdown(
        "Readers' calls, made before they saw a result, compared with the models' results on the "
        "same X-rays. **κ** is agreement beyond chance: 1 perfect, 0 as by chance."
    )
    st.dataframe(
        _table(found),
        hide_index=True,
        alt="Agreement: a row for each reader, model and operating point.",
        column_config={
            "Threshold": st.column_config.NumberColumn(format="%.3f"),
            "Agreement": st.column_config.TextColumn(width="medium"),
            "κ": st.column_config.TextColumn(width="medium"),
        },
    )
    st.caption(
        "95 % intervals: Wilson for agreement, bootstrap over X-rays for κ. Neither is taken as "
        "the truth. Not counted: X-rays the reader could not call, and calls made after a result "
        "had been shown. Time is measured while the X-ray is open, including pauses."
    )
    st.download_button(
        "CSV",
        logged_export(
            lambda: spreadsheet_csv(opinions_table(found)),
            subject=f"CSV, reader agreement, {len(found)} rows",
        ),
        f"pneumo-second-opinions-{datetime.now(UTC):%Y-%m-%d}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="opinions csv",
    )
    show_rocs(entries)


def _table(found: Sequence[SecondOpinion]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Reader": [each.who for each in found],
            "Model": [f"{each.checkpoint} {each.version}" for each in found],
            "Operating point": [each.operating_point for each in found],
            "Threshold": [each.threshold for each in found],
            "X-rays": [each.counts.n for each in found],
            "Agreement": [str(each.agreement) for each in found],
            "κ": [str(each.kappa) for each in found],
            "Pneumonia by reader only": [each.counts.fn for each in found],
            "Pneumonia by model only": [each.counts.fp for each in found],
            "Median time": [duration_text(each.seconds) if each.counts.n else "" for each in found],
            "Couldn't tell": [each.not_told for each in found],
            "Called too late": [each.too_late for each in found],
            "Agreed": [each.agreed for each in found],
            "Overrode": [each.overrode for each in found],
            "Changed the call": [each.changed for each in found],
        }
    )
