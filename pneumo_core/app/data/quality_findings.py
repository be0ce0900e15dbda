"""Findings about a dataset, a card each, with their X-rays."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pneumo_core.app.data.thumbnails import show_pictures
from pneumo_core.app.words import plain, x_rays
from pneumo_core.core.spreadsheets import spreadsheet_csv
from pneumo_core.datasets import Dataset
from pneumo_core.datasets.quality import SEVERITIES, Finding, Inspection

__all__ = ["say_findings", "show_findings"]

_FEW = 12
_ASKS = {"serious": "to fix", "careful": "to decide on", "note": "to know"}
_BADGES = {"serious": "red", "careful": "orange", "note": "gray"}


def show_findings(inspection: Inspection, location: Path) -> None:
    """Show a card for each finding, the most serious first."""
    st.header("Findings", anchor=False)
    if not inspection.findings:
        st.success("No problems found.", icon=":material/check:")
        return
    counts = Counter(each.severity for each in inspection.findings)
    told = [f"{counts[each]} {_ASKS[each]}" for each in SEVERITIES if counts[each]]
    st.caption(", ".join(told))
    for number, finding in enumerate(inspection.findings):
        with st.container(border=True):
            _show_finding(finding, inspection.dataset, location, f"finding {number}")


def say_findings(findings: Sequence[Finding]) -> None:
    """List the findings as sentences, without their X-rays."""
    if not findings:
        st.success("No problems found.", icon=":material/check:")
    for finding in findings:
        with st.container(border=True):
            _say_finding(finding)


def _show_finding(finding: Finding, dataset: Dataset, location: Path, key: str) -> None:
    _say_finding(finding)
    if finding.ids and st.toggle(f"Show the {x_rays(len(finding.ids))}", key=f"{key} films"):
        _show_films(finding, dataset, location, key)


def _say_finding(finding: Finding) -> None:
    colour, word = _BADGES[finding.severity], SEVERITIES[finding.severity]
    st.markdown(f"**{finding.title}** :{colour}-badge[{word}]")
    st.markdown(plain(finding.what))
    st.markdown(f"*What it means:* {plain(finding.means)}")
    st.markdown(f"*What to do:* {plain(finding.remedy)}")


def _show_films(finding: Finding, dataset: Dataset, location: Path, key: str) -> None:
    """Show a few X-rays as thumbnails, many as a table with the selected group below."""
    table = finding.table(dataset)
    few = len(table) <= _FEW
    event = st.dataframe(
        table,
        key=f"{key} table",
        hide_index=True,
        height=min(320, 38 + 35 * len(table)),
        on_select="rerun",
        selection_mode=("single-row", "single-cell"),
        alt="The X-rays of this finding: a row for each. Click a row to see its group.",
        column_config={
            "group": st.column_config.NumberColumn("Group", width="small"),
            "id": st.column_config.TextColumn("X-ray", width="large"),
            "split": "Split",
            "label": "Label",
            "subtype": "Subtype",
            "patient": "Patient",
            "remark": st.column_config.TextColumn("Why", width="large"),
        },
    )
    st.download_button(
        "Download this list",
        spreadsheet_csv(table),
        file_name=f"{finding.kind.replace(' ', '-')}.csv",
        mime="text/csv",
        icon=":material/download:",
        key=f"{key} list",
    )
    rows = [row for row, _ in event.selection.cells] or event.selection.rows
    if rows and rows[0] < len(table):
        group = table["group"].iloc[rows[0]]
        shown = table[table["group"] == group]
        st.caption(
            f"Group {group}: the first {_FEW:,} of {len(shown):,} X-rays"
            if len(shown) > _FEW
            else f"Group {group}: {x_rays(len(shown))}"
        )
        show_pictures(dataset, shown.head(_FEW), location, key=key)
    elif few and not finding.remarks:
        show_pictures(dataset, table, location, key=key)
    elif not finding.remarks:
        st.caption("Click a row to see the X-rays of its group.")
