"""Thumbnails of X-rays in a dataset."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from pneumo_core.app.memory import cached
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key, dataset_link
from pneumo_core.app.widgets.tiles import Tile, restart_grid, show_grid
from pneumo_core.datasets import LABELS, Dataset
from pneumo_core.datasets.quality import Inspection
from pneumo_core.imaging import display_pixels, jpeg

__all__ = ["next_draw", "show_pictures", "show_random_images"]

_SIDE = 504
_MANY = 24
_COLUMNS = 6
_PER_PAGE = 12


def show_random_images(inspection: Inspection, location: Path) -> None:
    """Show random X-rays of a split and label, and a button to draw others."""
    films = inspection.dataset.films
    with st.container(horizontal=True, vertical_alignment="bottom"):
        splits = ["all", *films["split"].unique()]
        split = st.selectbox("Split", splits, key="grid split", width=140)
        label = st.selectbox("Label", ["all", *LABELS], key="grid label", width=170)
        st.button(
            "Draw again", on_click=next_draw, args=("grid",), icon=":material/casino:", key="redraw"
        )
    if split != "all":
        films = films[films["split"] == split]
    if label != "all":
        films = films[films["label"] == LABELS.index(label)]
    if films.empty:
        st.info("No X-rays match. Choose another split or label.")
        return
    random = np.random.default_rng(st.session_state.get(_draw_key("grid"), 0))
    drawn = random.permutation(len(films))[:_MANY]
    st.caption(f"{len(drawn)} of {len(films):,} X-rays, drawn at random.")
    show_pictures(inspection.dataset, films.iloc[drawn], location, key="random")


def show_pictures(dataset: Dataset, films: pd.DataFrame, location: Path, *, key: str) -> None:
    """Show X-rays six in a row, with name, label and split; a click enlarges one.

    Unreadable files show the reason.
    """
    restart_grid(key, tuple(films["id"]))
    show_grid(
        [_tile(row) for _, row in films.iterrows()],
        lambda film_id: _picture(dataset, film_id, location),
        key=key,
        link=lambda film_id: _link(film_id, films, location),
        columns=_COLUMNS,
        per_page=_PER_PAGE,
    )


def next_draw(what: str) -> None:
    """Draw other X-rays on the next run."""
    st.session_state[_draw_key(what)] = st.session_state.get(_draw_key(what), 0) + 1


def _draw_key(what: str) -> str:
    return f"draw of {what}"


def _tile(row: "pd.Series[Any]") -> Tile:
    kinds = [str(row["subtype"] or ""), str(row["split"])]
    note = ", ".join(each for each in kinds if each and each != "normal")
    return Tile(str(row["id"]), _label(row), note=note)


def _label(row: "pd.Series[Any]") -> int:
    label = row["label"]
    return LABELS.index(label) if isinstance(label, str) else int(label)


def _picture(dataset: Dataset, film_id: str, location: Path) -> bytes:
    """Return an X-ray as a JPEG. Raises PneumoError."""
    return cached(
        "dataset pictures",
        (dataset_key(location), film_id),
        lambda: jpeg(display_pixels(dataset.source.radiograph(film_id).pixels, _SIDE)),
        most=400,
    )


def _link(film_id: str, films: pd.DataFrame, location: Path) -> None:
    """Show a link to the Read page, for X-rays of the dataset in use."""
    if location != dataset_in_use():
        return
    label = _label(films[films["id"] == film_id].iloc[0])
    st.page_link(
        "pages/read.py",
        label="Open on the Read page",
        icon=":material/pulmonology:",
        query_params={"film": film_id, "label": LABELS[label]} | dataset_link(),
    )
