"""Choose the dataset that the pages use: PNEUMO_DATA, or an installed one.

One choice for the whole session: in the sidebar if there are several datasets, and in the query
parameter ``dataset``. This module does not import torch.
"""

import os
from itertools import islice
from pathlib import Path

import streamlit as st

from pneumo_core.app.words import plain
from pneumo_core.core.files import printable
from pneumo_core.core.settings import settings
from pneumo_core.errors import UnknownName

__all__ = [
    "choose_dataset_in_sidebar",
    "dataset_in_use",
    "dataset_key",
    "dataset_link",
    "offered_datasets",
]

_CHOSEN = "dataset in use"
_PARAMETER = "dataset"
_LOOKED_AT = 1000
"""Entries of a folder that are looked at for folders: one with many files has no classes below."""


def offered_datasets() -> dict[str, Path]:
    """Return datasets by the name used in links, PNEUMO_DATA first."""
    data = settings().data
    offered = {printable(data.name): data} if data else {}
    if (settings().home / "datasets").is_dir():
        from pneumo_core.datasets.download import list_datasets  # imports pandas

        for each in list_datasets():
            if each.location == data:
                continue
            name = each.name if each.name not in offered else f"{each.name} (added)"
            offered[name] = each.location
    return offered


def dataset_in_use() -> Path | None:
    """Return the chosen dataset, or the first one; None if there is none."""
    offered = offered_datasets()
    return offered.get(_name(offered)) if offered else None


def dataset_key(location: Path | None) -> tuple[str, int]:
    """Return a cache key; it changes with the folder's splits and classes and their files."""
    return str(location), _changed(location) if location else 0


def _changed(place: Path, levels: int = 2) -> int:
    """Return when files or folders last came or went here, in ns, down to the classes' folders."""
    try:
        latest = place.stat().st_mtime_ns
        if levels and place.is_dir():
            with os.scandir(place) as entries:
                folders = [Path(each) for each in islice(entries, _LOOKED_AT) if each.is_dir()]
            latest = max([latest, *(_changed(each, levels - 1) for each in folders)])
    except OSError:
        return 0
    return latest


def dataset_link() -> dict[str, str]:
    """Return the query parameter that a link to an X-ray needs; empty with one dataset."""
    offered = offered_datasets()
    return {_PARAMETER: _name(offered)} if len(offered) > 1 else {}


def choose_dataset_in_sidebar() -> None:
    """Show a select box if there are several datasets; a link sets it when the page opens."""
    offered = offered_datasets()
    asked = st.query_params.get(_PARAMETER)
    if asked and offered and asked not in offered:
        st.sidebar.warning(plain(str(UnknownName("dataset", asked, offered))))
    if len(offered) < 2:
        return
    if asked in offered and st.session_state.get("dataset followed") != asked:
        st.session_state[_CHOSEN] = asked
    names = list(offered)
    chosen = st.sidebar.selectbox(
        "Dataset",
        names,
        names.index(_name(offered)),
        help="The dataset whose X-rays the pages score, map and show.",
    )
    st.session_state[_CHOSEN] = chosen
    st.session_state["dataset followed"] = st.query_params[_PARAMETER] = chosen


def _name(offered: dict[str, Path]) -> str:
    chosen = st.session_state.get(_CHOSEN)
    return chosen if chosen in offered else next(iter(offered))
