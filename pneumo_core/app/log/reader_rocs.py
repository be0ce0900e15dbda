"""ROC curves of readers and models, on X-rays of the dataset in use."""

from datetime import UTC, datetime

import pandas as pd
import streamlit as st

from pneumo_core.app.audit_log import logged_export
from pneumo_core.app.memory import cached_for_all
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key
from pneumo_core.app.widgets.progress import Cancelled, Report, cancellable_once
from pneumo_core.app.words import plain
from pneumo_core.audit.reader_roc import ReaderRoc, reader_rocs, rocs_table
from pneumo_core.core.spreadsheets import spreadsheet_csv
from pneumo_core.datasets import labels_by_file, scan
from pneumo_core.errors import PneumoError
from pneumo_core.metrics import format_rate
from pneumo_core.reports.figures import SERIES, receiver_operating_characteristic

__all__ = ["show_rocs"]


def show_rocs(entries: pd.DataFrame) -> None:
    """Show readers' and models' ROC curves where the dataset in use has the labels.

    ``entries``: from ``AuditLog.called_films()``.
    """
    st.subheader("ROC of readers and models", anchor=False)
    if not entries["confidence"].notna().any():
        st.caption("ROC curves need calls with a confidence; there are none yet.")
        return
    data = dataset_in_use()
    if data is None:
        st.caption("The label of the X-rays comes from a dataset, and none is in use.")
        st.page_link("pages/data.py", label="Download or add a dataset", icon=":material/download:")
        return

    def compute(report: Report) -> pd.DataFrame:
        dataset = scan(data, progress=report("Listing X-rays"))
        return labels_by_file(dataset, report("Matching X-rays"))

    try:
        truth = cancellable_once(
            cached_for_all, "truth", dataset_key(data), f"Match with {data.stem}", compute, most=2
        )
    except Cancelled:
        st.caption("The label of each X-ray is looked up in the dataset by the file's SHA-256.")
        return
    except PneumoError as error:
        st.warning(plain(str(error)), icon=":material/error:")
        return
    found = reader_rocs(entries, truth)
    if found:
        _show(found)
    else:
        st.info(
            f"A ROC curve needs calls with a confidence on X-rays of both labels of "
            f"{plain(data.stem)}. Call some more of them on the Read page."
        )


def _show(found: list[ReaderRoc]) -> None:
    st.dataframe(
        _table(found), hide_index=True, alt="Areas under the ROC curve of readers and models"
    )
    plot, about = st.columns([2, 3], gap="medium")
    with about:
        st.caption(
            "Empirical areas with 95 % intervals; the difference by DeLong's test, clustered by "
            "patient. A reader's curve has a point for each step of confidence. Counted: the first "
            "call on an X-ray, made before a result was shown, “can't tell” as the middle step."
        )
        st.download_button(
            "CSV",
            logged_export(
                lambda: spreadsheet_csv(rocs_table(found)),
                subject=f"CSV, reader ROC, {len(found)} rows",
            ),
            f"pneumo-reader-roc-{datetime.now(UTC):%Y-%m-%d}.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="rocs csv",
        )
    with plot:
        _plot(found)


def _plot(found: list[ReaderRoc]) -> None:
    names = {f"{each.who} and {each.checkpoint} {each.version}": each for each in found}
    chosen = names[
        st.selectbox("Reader and model", list(names), key="roc pair", label_visibility="collapsed")
    ]
    st.plotly_chart(
        receiver_operating_characteristic(
            [
                (chosen.who, SERIES[1], chosen.reader, None),
                (chosen.checkpoint, SERIES[0], chosen.model, None),
            ]
        ),
        alt=f"ROC curves of {chosen.who}, AUC {chosen.areas.first}, and of {chosen.checkpoint}, "
        f"AUC {chosen.areas.second}",
        key="roc of readers",
    )
    st.caption(f":orange[{plain(chosen.who)}] and :blue[{plain(chosen.checkpoint)}] (dashed)")


def _table(found: list[ReaderRoc]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Reader": [each.who for each in found],
            "Model": [f"{each.checkpoint} {each.version}" for each in found],
            "X-rays": [each.films for each in found],
            "With pneumonia": [each.pneumonia for each in found],
            "Reader's AUC": [str(each.areas.first) for each in found],
            "Model's AUC": [str(each.areas.second) for each in found],
            "Difference": [str(each.areas.difference) for each in found],
            "p": [format_rate(each.areas.p) for each in found],
        }
    )
