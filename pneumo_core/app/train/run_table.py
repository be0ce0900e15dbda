"""Every training run in one table, and two to six of them side by side."""

from collections.abc import Sequence

import streamlit as st

from pneumo_core.app.sign_in import only_admitted
from pneumo_core.app.train.run_list import show_curves
from pneumo_core.app.train.settings_form import setting_label
from pneumo_core.app.widgets.tables import with_bounds
from pneumo_core.runs import Run, list_runs, runs_table, settings_apart

__all__ = ["show_run_table"]

_MOST = 6
_RATES = ("Validation AUC", "Sensitivity", "Specificity")


@st.fragment
def show_run_table() -> None:
    """Show a sortable table of runs; two to six chosen rows are compared below it."""
    only_admitted()
    runs = list_runs()[0]
    if len(runs) < 2:
        return
    st.subheader("Compare training runs", anchor=False)
    table = runs_table(runs).drop(columns="id")
    event = st.dataframe(
        with_bounds(table, _RATES),
        key="runs table",
        hide_index=True,
        height=min(420, 38 + 35 * len(table)),
        on_select="rerun",
        selection_mode="multi-row",
        alt="Training runs with their settings and validation figures, the latest first.",
        column_config={
            "Started (UTC)": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
            "Minutes": st.column_config.NumberColumn(format="%.1f"),
            "Learning rate": st.column_config.NumberColumn(format="%g"),
        },
    )
    chosen = [runs[row] for row in event.selection.rows if row < len(runs)]
    st.caption(
        "Click a heading to sort. Tick two to six runs to compare them. Validation figures are of "
        "the best epoch, sensitivity and specificity at 0.5."
    )
    if len(chosen) > _MOST:
        st.info(f"{len(chosen)} runs are ticked: compare up to {_MOST} at a time.")
    elif len(chosen) >= 2:
        _compare(chosen)


def _compare(chosen: Sequence[Run]) -> None:
    apart = settings_apart(chosen)
    if apart.empty:
        st.markdown("**All settings are the same.**")
    else:
        st.markdown(f"**Settings that differ: {len(apart)}**")
        apart.index = [setting_label(each) for each in apart.index]
        st.dataframe(apart, alt="Settings that differ, a column for each run.")
    show_curves(chosen, "compared")
