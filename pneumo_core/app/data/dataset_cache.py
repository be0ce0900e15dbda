"""Which dataset is looked at; inspected once for everybody on this server."""

from pathlib import Path

import streamlit as st

from pneumo_core.app.memory import shared
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key
from pneumo_core.app.widgets.progress import Report, cancellable_once
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import list_checkpoints
from pneumo_core.datasets import scan
from pneumo_core.datasets.quality import Inspection, inspect_dataset
from pneumo_core.errors import DatasetError

__all__ = ["choose_dataset", "inspected", "say_how_to_get_one"]


def choose_dataset() -> Path | None:
    """The dataset in use, and a way to look at it again; None without any.

    Raises DatasetError for one that is gone.
    """
    location = dataset_in_use()
    if location is None:
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{plain(location.stem)}**")
        st.button(
            "Look again",
            icon=":material/refresh:",
            on_click=_look_again,
            help="Lists the films anew, after some were added, moved or deleted.",
        )
    if not location.exists():
        raise DatasetError(
            f"'{location}' is not there. Set PNEUMO_DATA to a folder of films, and start Pneumo "
            "again."
        )
    return location


def inspected(location: Path) -> Inspection:
    """The dataset there, looked through now or before. Raises Cancelled, PneumoError."""

    def compute(report: Report) -> Inspection:
        dataset = scan(location, progress=report("Listing films"))
        return inspect_dataset(
            dataset, decoding=report("Decoding films"), comparing=report("Comparing films")
        )

    return cancellable_once(
        shared,
        "inspections",
        (dataset_key(location), _looks()),
        f"Inspect {location.name}",
        compute,
        most=4,
        at_once=True,
    )


def say_how_to_get_one() -> None:
    """What this page is for, how to get films, and which films the checkpoints learned from."""
    with st.container(border=True):
        st.header("No dataset yet", anchor=False)
        st.markdown(
            "This page counts a dataset's films and tells what is wrong with them: the same "
            "picture twice, patients in two splits, films that can't be read. It needs the films: "
            "get the public set or add your own below. Or set `PNEUMO_DATA` to a folder "
            "`split/CLASS/film` with the classes NORMAL and PNEUMONIA, and start Pneumo again."
        )
    told = [
        f"- **{plain(each.name)}** learned from {plain(each.card.dataset.name)}: "
        + "; ".join(
            f"{plain(split)} {counts.get('NORMAL', 0):,} NORMAL and "
            f"{counts.get('PNEUMONIA', 0):,} PNEUMONIA"
            for split, counts in each.card.dataset.counts.items()
        )
        for each in list_checkpoints()[0]
    ]
    if told:
        st.subheader("The films behind the checkpoints at hand", anchor=False)
        st.markdown("\n".join(told))


@st.cache_resource
def _all_looks() -> list[int]:
    return [0]


def _looks() -> int:
    """How often anybody wanted to look again: an older look is no longer found."""
    return _all_looks()[0]


def _look_again() -> None:
    _all_looks()[0] += 1
