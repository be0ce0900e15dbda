"""False alarms and misses by quartile of properties other than disease."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from pneumo_core.app.memory import cached_for_all
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key
from pneumo_core.app.widgets.missing_images import offer_images
from pneumo_core.app.widgets.progress import Cancelled, Report, cancellable_once
from pneumo_core.app.words import plain
from pneumo_core.datasets import scan
from pneumo_core.errors import DatasetError
from pneumo_core.evaluation import Study
from pneumo_core.evaluation.shortcuts import (
    QUARTILES_TITLE,
    ByQuartile,
    Measured,
    by_quartile,
    installed_finder,
    measure_dataset,
    quartile_sentence,
    stored_measurements,
)
from pneumo_core.reports.figures import error_by_quarter

__all__ = ["quartiles_at", "show_shortcuts"]

_MEASURED = "measured for quartiles"


def show_shortcuts(study: Study, threshold: float) -> None:
    """Show errors by quartile of each property, the clearest trend first."""
    drawer = st.expander(
        QUARTILES_TITLE,
        icon=":material/crop_free:",
        key="shortcuts",
        on_change="rerun",
    )
    if not drawer.open:
        return
    with drawer:
        measured = _measured()
        if measured is None:
            return
        found = by_quartile(study.table, measured, threshold)
        if not found:
            st.info(
                "None of these X-rays are in the dataset in use, or too few of each label: at "
                "least 20 are needed."
            )
            return
        missing = int((~study.table["id"].isin(measured.table["id"])).sum())
        if missing:
            st.caption(f"{missing:,} of {len(study.table):,} X-rays are not in the dataset in use.")
        _show(found)


def quartiles_at(study: Study, threshold: float) -> Callable[[], tuple[ByQuartile, ...] | None]:
    """Return a function for errors by quartile, which gives None if nothing was measured.

    It uses what was measured in this session or is stored, and runs outside the page: a dataset
    must be listed to find its stored measurements.
    """
    data = dataset_in_use()
    of, here = st.session_state.get(_MEASURED, (None, None))
    known: Measured | None = here if of == dataset_key(data) else None

    def find() -> tuple[ByQuartile, ...] | None:
        measured = known or _stored(data)
        if measured is None:
            return None
        return tuple(by_quartile(study.table, measured, threshold))

    return find


def _stored(data: Path | None) -> Measured | None:
    try:
        return stored_measurements(data, finder=installed_finder()) if data else None
    except DatasetError:  # gone since: the report says that nothing was measured
        return None


def _measured() -> Measured | None:
    """Measure the properties of the dataset in use, with a bar and a Cancel button."""
    data = dataset_in_use()
    if data is None:
        offer_images("quartiles", "This needs the image files, which are not on this machine.")
        return None

    def compute(report: Report) -> Measured:
        dataset = scan(data, progress=report("Listing X-rays"))
        progress = report("Measuring X-rays")
        return measure_dataset(dataset, finder=installed_finder(), progress=progress)

    try:
        name = f"Measure the X-rays of {data.stem}"
        found: Measured = cancellable_once(
            cached_for_all, "properties", dataset_key(data), name, compute, most=4
        )
    except Cancelled:
        st.caption("The framing, size and exposure of each X-ray are measured once and saved.")
        return None
    st.session_state[_MEASURED] = (dataset_key(data), found)
    return found


def _show(found: Sequence[ByQuartile]) -> None:
    st.markdown(f"**{plain(quartile_sentence(found[0]))}**")
    names = [f"{each.prop.title}: {_error(each)}, {each.split or 'all'}" for each in found]
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.dataframe(
            pd.DataFrame([_row(each) for each in found]),
            hide_index=True,
            height=min(420, 38 + 35 * len(found)),
            alt="False alarms and misses in each quartile of each property, the clearest first.",
        )
    with right:
        number = st.selectbox(
            "Property", range(len(found)), format_func=names.__getitem__, key="quartile"
        )
        chosen = found[number if number < len(found) else 0]
        st.plotly_chart(
            error_by_quarter(chosen),
            key="quarters",
            config={"displayModeBar": False},
            alt="Error rate in each quartile of the property, with 95 % intervals.",
        )
        st.caption(plain(quartile_sentence(chosen)))
    st.caption(
        "Quartiles are taken over the X-rays of one label in one split; intervals are Wilson's. "
        "With many properties some differ by chance. A property may change with the disease "
        "itself, so misses are harder to interpret than false alarms."
    )


def _row(each: ByQuartile) -> dict[str, object]:
    rates = [f"{part.rate.value:.1%} ({part.errors}/{part.n})" for part in each.quarters]
    parts = rates + [""] * (4 - len(rates))
    columns = dict(zip(("Lowest", "Second", "Third", "Highest"), parts, strict=True))
    clear = "clear" if each.clear else "possibly chance"
    return {
        "Property": each.prop.title,
        "Error": _error(each),
        "Split": each.split,
        **columns,
        "Difference": clear,
    }


def _error(each: ByQuartile) -> str:
    return "misses" if each.label else "false alarms"
