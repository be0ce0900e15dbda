"""Choose and inspect a dataset; inspections are shared by all sessions."""

from pathlib import Path

import streamlit as st

from pneumo_core.app.memory import cached_for_all
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key
from pneumo_core.app.widgets.progress import Report, cancellable_once
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import list_checkpoints
from pneumo_core.datasets import scan
from pneumo_core.datasets.quality import Inspection, inspect_dataset
from pneumo_core.errors import DatasetError

__all__ = ["choose_dataset", "inspection_of", "say_how_to_get_one"]


def choose_dataset() -> Path | None:
    """Show the dataset in use with a Rescan button; None if there is none.

    Raises DatasetError if it no longer exists.
    """
    location = dataset_in_use()
    if location is None:
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(location.stem)}**")
        st.button(
            "Rescan",
            icon=":material/refresh:",
            on_click=_look_again,
            help="Lists the X-rays again after some were added, moved or deleted.",
        )
    if not location.exists():
        raise DatasetError(
            f"'{location}' does not exist. Set PNEUMO_DATA to a folder of X-rays, and restart "
            "Pneumo."
        )
    return location


def inspection_of(location: Path) -> Inspection:
    """Return the inspection of a dataset, cached. Raises Cancelled, PneumoError."""

    def compute(report: Report) -> Inspection:
        dataset = scan(location, progress=report("Listing X-rays"))
        return inspect_dataset(
            dataset, decoding=report("Decoding X-rays"), comparing=report("Comparing X-rays")
        )

    return cancellable_once(
        cached_for_all,
        "inspections",
        (dataset_key(location), _looks()),
        f"Inspect {location.name}",
        compute,
        most=4,
        at_once=True,
    )


def say_how_to_get_one() -> None:
    """Explain how to get a dataset, and list what the installed models were trained on."""
    with st.container(border=True):
        st.header("No dataset yet", anchor=False)
        st.markdown(
            "This page counts a dataset's X-rays and reports problems: duplicates, patients in two "
            "splits, unreadable files. Download the public dataset or add your own below."
        )
    told = [
        f"- **{plain(each.name)}** was trained on {plain(each.card.dataset.name)}: "
        + "; ".join(
            f"{plain(split)} {counts.get('NORMAL', 0):,} NORMAL and "
            f"{counts.get('PNEUMONIA', 0):,} PNEUMONIA"
            for split, counts in each.card.dataset.counts.items()
        )
        for each in list_checkpoints()[0]
    ]
    if told:
        st.subheader("Training data of the installed models", anchor=False)
        st.markdown("\n".join(told))


@st.cache_resource
def _all_looks() -> list[int]:
    return [0]


def _looks() -> int:
    """Return how often Rescan was pressed; part of the cache key."""
    return _all_looks()[0]


def _look_again() -> None:
    _all_looks()[0] += 1
