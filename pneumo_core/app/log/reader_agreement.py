"""How far readers and models agree, on the screen: who, on how many films, how fast."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from pneumo_core.app.actions import recorded
from pneumo_core.app.words import duration_text
from pneumo_core.audit import AuditLog
from pneumo_core.audit.reader_study import SecondOpinion, opinions_table, second_opinions

__all__ = ["show_second_opinions"]


def show_second_opinions(log: AuditLog) -> None:
    """A row for each reader and model; how to begin where nobody called a film yet."""
    found = second_opinions(log.called_films())
    if not found:
        st.info(
            "Nobody has called a film before the model's answer yet. Turn on *Read first* on the "
            "page Read films, call a few, and this page tells how far readers and models agree.",
            icon=":material/visibility:",
        )
        return
    st.markdown(
        "Readers' own calls, made before they saw an answer, beside the models' answers on the "
        "same films. **κ** is the agreement beyond chance: 1 always, 0 as by chance."
    )
    st.dataframe(
        _table(found),
        hide_index=True,
        alt="Agreement: a row for each reader, checkpoint and operating point.",
        column_config={
            "Threshold": st.column_config.NumberColumn(format="%.3f"),
            "Agreement": st.column_config.TextColumn(width="medium"),
            "κ": st.column_config.TextColumn(width="medium"),
        },
    )
    st.caption(
        "95 % intervals: Wilson's for agreement, films drawn again for κ. Neither is taken to be "
        "right. Not counted: films the reader couldn't tell, and calls made after an answer on "
        "that film had been shown to them. Time runs while the film is open, pauses included."
    )
    st.download_button(
        "CSV",
        recorded(
            lambda: opinions_table(found).to_csv(index=False).encode("utf-8-sig"),
            subject=f"CSV, second opinions, {len(found)} rows",
        ),
        f"pneumo-second-opinions-{datetime.now(UTC):%Y-%m-%d}.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
        key="opinions csv",
    )


def _table(found: Sequence[SecondOpinion]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Reader": [each.who for each in found],
            "Checkpoint": [f"{each.checkpoint} {each.version}" for each in found],
            "Operating point": [each.operating_point for each in found],
            "Threshold": [each.threshold for each in found],
            "Films": [each.counts.n for each in found],
            "Agreement": [str(each.agreement) for each in found],
            "κ": [str(each.kappa) for each in found],
            "Only the reader: pneumonia": [each.counts.fn for each in found],
            "Only the model: pneumonia": [each.counts.fp for each in found],
            "Median time": [duration_text(each.seconds) if each.counts.n else "" for each in found],
            "Couldn't tell": [each.not_told for each in found],
            "Called too late": [each.too_late for each in found],
            "Agreed": [each.agreed for each in found],
            "Overrode": [each.overrode for each in found],
            "Changed their call": [each.changed for each in found],
        }
    )
