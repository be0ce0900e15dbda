"""The shortcut audit of a dataset: properties other than disease that predict its labels."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import streamlit as st

from pneumo_core.app.memory import cached_for_all
from pneumo_core.app.widgets.dataset_choice import dataset_key
from pneumo_core.app.widgets.progress import Cancelled, Report, cancellable_once
from pneumo_core.app.words import plain
from pneumo_core.core.spreadsheets import spreadsheet_csv
from pneumo_core.datasets import LABELS, Dataset
from pneumo_core.datasets.quality import Inspection
from pneumo_core.evaluation.shortcuts import (
    LIMITS,
    Audit,
    Measured,
    Separation,
    advice,
    audit,
    audit_input_detail,
    installed_finder,
    measure_dataset,
    shift_sentence,
)
from pneumo_core.reports.figures import separation_dots

__all__ = ["measured_here", "show_audit"]

_INPUT_SIZES = (96, 112, 128, 160, 224)

_WHY = (
    "A network learns whatever predicts the labels, even if it has nothing to do with the lungs: "
    "the framing, the size of the file, a letter in the corner. It then fails on X-rays where that "
    "is different. The audit measures how well such properties predict the labels of this "
    "dataset, and which of them differ between train and test."
)


def show_audit(inspection: Inspection, location: Path) -> None:
    """Show the audit of a dataset once it was started."""
    st.header("Shortcut audit", anchor=False)
    st.markdown(_WHY)
    dataset = inspection.dataset
    try:
        found = _audited(dataset, location)
    except Cancelled:
        st.info("Not measured yet. Press the button to start; the result is saved.")
        return
    _show_summary(found)
    found = found.joined_by(_input_details(dataset, location))
    if found.separations:
        _show_separations(found)
    _show_shifts(found)
    _show_advice(found)
    st.caption(LIMITS)
    st.download_button(
        "Download all figures",
        spreadsheet_csv(found.table()),
        f"pneumo-{dataset.name}-shortcuts.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def measured_here(dataset: Dataset, report: Report) -> Measured:
    """Return the properties of a dataset's X-rays, measured with a bar or cached."""
    return measure_dataset(dataset, finder=installed_finder(), progress=report("Measuring X-rays"))


def _audited(dataset: Dataset, location: Path) -> Audit:
    def compute(report: Report) -> Audit:
        return audit(dataset, measured_here(dataset, report), progress=report("Comparing splits"))

    key = (dataset_key(location), dataset.fingerprint)
    return cancellable_once(
        cached_for_all, "audits", key, "Run the shortcut audit", compute, most=4
    )


def _input_details(dataset: Dataset, location: Path) -> list[Separation]:
    """Ask for sizes of a network's input, and return how well its finest detail predicts labels."""
    sizes = st.multiselect(
        "Also audit a network's input of this many pixels, framed by the lungs",
        _INPUT_SIZES,
        key="audited input sizes",
        placeholder="None",
        help="A box around the lungs that is smaller than the input is enlarged, which blurs it. "
        "If that happens more often to X-rays of one label, a network can tell the label by it.",
    )
    if not sizes:
        return []
    key = (dataset_key(location), dataset.fingerprint, tuple(sorted(sizes)))

    def compute(report: Report) -> list[Separation]:
        return audit_input_detail(dataset, sorted(sizes), progress=report("Framing X-rays"))

    try:
        return cancellable_once(
            cached_for_all, "input details", key, "Audit these inputs", compute, most=4
        )
    except Cancelled:
        return []


def _show_summary(found: Audit) -> None:
    first, *others = found.summary()
    strong = any(each.auc.low >= 0.8 for each in found.together)
    (st.warning if strong else st.info)(plain(first), icon=":material/fact_check:")
    st.markdown("\n".join(f"- {plain(each)}" for each in others))


def _show_separations(found: Audit) -> None:
    table, figure = st.columns([3, 2], gap="large")
    with table:
        st.subheader("What predicts the label", anchor=False)
        st.dataframe(
            _separation_table(found.separations),
            hide_index=True,
            height=min(520, 38 + 35 * len(found.separations)),
            alt="Each property and split with its AUC for the label, the largest first.",
        )
    with figure:
        st.plotly_chart(
            separation_dots(found.separations),
            key="separations",
            config={"displayModeBar": False},
            alt="AUC of each property with its 95 % interval, a mark for each split.",
        )


def _separation_table(found: Iterable[Separation]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "Property": each.prop.title,
                "Split": each.split,
                "AUC (95 % interval)": str(each.auc),
                "Higher in": LABELS[each.higher],
                "Median NORMAL": each.prop.text(each.medians[0]),
                "Median PNEUMONIA": each.prop.text(each.medians[1]),
                "Predictive": each.level,
            }
            for each in found
        ]
    )


def _show_shifts(found: Audit) -> None:
    if not found.shifts:
        return
    st.subheader("What differs between the splits", anchor=False)
    if not found.clear_shifts:
        st.markdown("No property differs clearly between the splits.")
        return
    st.markdown("\n".join(f"- {plain(shift_sentence(each))}" for each in found.clear_shifts))


def _show_advice(found: Audit) -> None:
    if not found.telling:
        return
    st.subheader("Meaning and remedy", anchor=False)
    for prop in found.telling:
        st.markdown(f"**{prop.title}.** {plain(' '.join(advice(prop)))}")
