"""Drawers of the Evaluate page: subgroups, doubtful labels, export."""

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import pandas as pd
import streamlit as st

from pneumo_core.app.evaluate.error_images import offer_list, show_images
from pneumo_core.app.evaluate.shortcut_quartiles import quartiles_at
from pneumo_core.app.words import file_stem, plain
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.evaluation import (
    Slice,
    Study,
    label_doubts,
    outlier_sentence,
    scores_csv,
    slice_columns,
    slices,
)
from pneumo_core.metrics import Estimate
from pneumo_core.reports import EvaluationReport, report_markdown, report_pdf
from pneumo_core.reports.figures import PLOTS, interactive, still, subgroup_dots, to_html

__all__ = ["offer_downloads", "show_doubts", "show_slices"]

Make: TypeAlias = Callable[[], str | bytes]


def show_slices(study: Study, threshold: float) -> None:
    """Show sensitivity and specificity of subgroups."""
    drawer = st.expander(
        "Subgroups",
        icon=":material/pie_chart:",
        key="slices",
        on_change="rerun",
    )
    if not drawer.open:
        return
    with drawer:
        columns = slice_columns(study.table)
        if not columns:
            st.caption("These X-rays have no column that forms a few subgroups.")
            return
        column = st.segmented_control(
            "Subgroups by", columns, default=columns[0], required=True, key="slice by"
        )
        found = slices(study.table, threshold, [str(column or columns[0])])
        st.markdown(f"**{plain(outlier_sentence(found))}**")
        st.plotly_chart(
            subgroup_dots(found),
            key="subgroups",
            config={"displayModeBar": False},
            alt="Sensitivity and specificity of each subgroup with 95 % intervals.",
        )
        st.caption(
            "Dots with 95 % intervals, the smallest subgroup on top. Red diamonds differ from all "
            "other X-rays of the same label (Fisher's exact test, corrected by Holm's method). A "
            "subgroup whose X-rays all have one label has only one of the two rates. `series` is "
            "the patient's name without its number."
        )
        with st.expander("As a table"):
            st.dataframe(
                _slice_table(found),
                hide_index=True,
                width="stretch",
                alt="Sensitivity and specificity of each subgroup, the smallest first.",
            )


def show_doubts(study: Study, checkpoint: Checkpoint) -> None:
    """Show X-rays whose label the model contradicts with confidence."""
    drawer = st.expander(
        "Doubtful labels", icon=":material/fact_check:", key="doubts", on_change="rerun"
    )
    if not drawer.open:
        return
    with drawer:
        doubted = label_doubts(study.table)
        st.caption(
            "X-rays whose label the model contradicts as confidently as it usually agrees "
            "(confident learning, Northcutt 2021). Either the label or the model is wrong: only a "
            "reader can tell."
        )
        if doubted.empty:
            st.info("No doubtful labels found.")
            return
        offer_list(doubted, f"{file_stem(checkpoint.name)}-doubtful-labels.csv")
        show_images(doubted, checkpoint.name, key="doubted")


def offer_downloads(study: Study, checkpoint: Checkpoint, threshold: float) -> None:
    """Offer scores, figures and a report of what is on the screen."""
    drawer = st.expander("Export", icon=":material/download:", key="results", on_change="rerun")
    if not drawer.open:
        return
    with drawer:
        find_quartiles = quartiles_at(study, threshold)

        def report() -> EvaluationReport:
            return EvaluationReport(checkpoint, study, threshold, find_quartiles())

        name = file_stem(checkpoint.name)
        with st.container(horizontal=True, gap="small"):
            _button(
                f"Scores of all {len(study.scores.table):,} X-rays, CSV",
                lambda: scores_csv(study.scores, threshold),
                f"{name}-scores.csv",
            )
            _button("Report, PDF", lambda: report_pdf(report()), f"{name}-evaluation.pdf")
            _button("Report, Markdown", lambda: report_markdown(report()), f"{name}-evaluation.md")
        st.caption(
            "The report covers the CLAIM checklist (Mongan 2020) at the threshold on the screen, "
            "and lists what only you can add."
        )
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            which = st.selectbox(
                "Figure", list(PLOTS), format_func=PLOTS.__getitem__, key="figure", width=240
            )
            makers: dict[str, Make] = {
                "png": lambda: still(study, threshold, which, "png"),
                "svg": lambda: still(study, threshold, which, "svg"),
                "html": lambda: to_html(interactive(study, threshold, which)),
            }
            for kind, make in makers.items():
                _button(kind.upper(), make, f"{name}-{which}.{kind}")


def _button(title: str, make: Make, file: str) -> None:
    st.download_button(
        title,
        make,
        file,
        icon=":material/download:",
        on_click="ignore",
        key=f"take {file}",
    )


def _slice_table(found: Sequence[Slice]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Column": [each.column for each in found],
            "Value": [each.value for each in found],
            "X-rays": [each.n for each in found],
            "With pneumonia": [each.ill for each in found],
            "Sensitivity": [_rate(each.sensitivity) for each in found],
            "Specificity": [_rate(each.specificity) for each in found],
        }
    )


def _rate(rate: Estimate) -> str:
    return "not applicable" if math.isnan(rate.value) else str(rate)
