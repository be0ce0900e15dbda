"""A dataset in numbers: splits, classes, subtypes, patients, grey values, sizes."""

import math

import pandas as pd
import streamlit as st

from pneumo_core.app.words import plain
from pneumo_core.datasets.quality import Inspection, split_table
from pneumo_core.reports.figures import grey_histogram, images_per_split, size_map

__all__ = ["show_overview"]


def show_overview(inspection: Inspection) -> None:
    """Show tables and plots of a dataset."""
    dataset = inspection.dataset
    splits = split_table(dataset)
    _show_figures(inspection, splits)
    counts, bars = st.columns([3, 2], gap="large")
    with counts:
        _show_splits(splits)
        st.markdown(plain(inspection.balance.words))
        if dataset.cut:
            _show_as_found(inspection)
    with bars:
        st.plotly_chart(
            images_per_split(splits), key="splits", alt="X-rays per split, by label and subtype."
        )
    greys, sizes = st.columns(2, gap="large")
    with greys:
        st.subheader("Grey values", anchor=False)
        st.caption(
            "Of X-rays as the network sees them. If the lines are far apart, the labels differ in "
            "exposure or borders, which a network may learn instead of the disease."
        )
        st.plotly_chart(
            grey_histogram(inspection.greys), key="greys", alt="Histogram of grey values by label."
        )
    with sizes:
        st.subheader("Sizes", anchor=False)
        st.caption(inspection.sizes.words)
        if len(inspection.sizes.distinct) > 1:
            st.plotly_chart(
                size_map(inspection.sizes.distinct), key="sizes", alt="Width and height of X-rays."
            )


def _show_figures(inspection: Inspection, splits: pd.DataFrame) -> None:
    whole = splits.iloc[-1]
    ratio = inspection.balance.ratio
    with st.container(horizontal=True):
        st.metric("X-rays", f"{whole['films']:,}", width=130)
        st.metric("Patients", f"{whole['patients']:,}", width=130)
        st.metric(
            "PNEUMONIA per NORMAL",
            "–" if math.isnan(ratio) else f"{ratio:.2f}",
            help="In the train split.",
            width=230,
        )
        st.metric("Unreadable", f"{len(inspection.unreadable):,}", width=130)
    st.caption(f"Fingerprint {inspection.dataset.fingerprint}")


def _show_splits(splits: pd.DataFrame) -> None:
    st.dataframe(
        splits,
        hide_index=True,
        alt="X-rays per split: counts, ratio, patients, subtypes.",
        column_config={
            "split": "Split",
            **{
                each: st.column_config.NumberColumn(
                    str(each) if str(each).isupper() else str(each).capitalize(), format="localized"
                )
                for each in splits.columns[1:]
            },
            "films": st.column_config.NumberColumn("X-rays", format="localized"),
            "ratio": st.column_config.NumberColumn("Ratio", format="%.2f"),
        },
    )


def _show_as_found(inspection: Inspection) -> None:
    found = split_table(inspection.dataset.as_found())
    told = "; ".join(
        f"{row['split']} {row['NORMAL']:,} NORMAL and {row['PNEUMONIA']:,} PNEUMONIA"
        + ("" if math.isnan(row["ratio"]) else f" ({row['ratio']:.2f})")
        for _, row in found.iterrows()
        if row["split"] != "all"
    )
    st.caption(f"Original splits: {told}.")
