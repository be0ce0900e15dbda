"""Thumbnails of X-rays in a dataset."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from pneumo_core.app.memory import cached
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key, dataset_link
from pneumo_core.app.words import plain
from pneumo_core.datasets import LABELS, Dataset
from pneumo_core.datasets.quality import Inspection
from pneumo_core.errors import PneumoError
from pneumo_core.imaging import display_pixels, jpeg

__all__ = ["next_draw", "show_pictures", "show_random_images"]

_SIDE = 150
_MANY = 24


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
    show_pictures(inspection.dataset, films.iloc[drawn], location)


def show_pictures(dataset: Dataset, films: pd.DataFrame, location: Path) -> None:
    """Show a thumbnail of each X-ray with name, label, split and a link to read it.

    Unreadable files show the reason.
    """
    with st.container(horizontal=True, gap="small"):
        for _, row in films.iterrows():
            with st.container(width=_SIDE, gap="small"):
                _show_picture(dataset, str(row["id"]), location, _words(row))


def next_draw(what: str) -> None:
    """Draw other X-rays on the next run."""
    st.session_state[_draw_key(what)] = st.session_state.get(_draw_key(what), 0) + 1


def _draw_key(what: str) -> str:
    return f"draw of {what}"


def _words(row: "pd.Series[Any]") -> str:
    label, subtype = row["label"], row["subtype"]
    named = label if isinstance(label, str) else LABELS[label]
    kind = f", {subtype}" if subtype and subtype != "normal" else ""
    return f"{named}{kind}; {row['split']}"


def _show_picture(dataset: Dataset, film_id: str, location: Path, words: str) -> None:
    try:
        picture = cached(
            "dataset pictures",
            (dataset_key(location), film_id),
            lambda: jpeg(display_pixels(dataset.source.radiograph(film_id).pixels, 2 * _SIDE)),
            most=400,
        )
    except PneumoError as error:
        st.caption(plain(str(error)))
        return
    st.image(picture, width="stretch", alt=f"{film_id}: {words}")
    st.caption(f"{plain(film_id.rsplit('/', 1)[-1])}: {words}")
    if location == dataset_in_use():
        st.page_link(
            "pages/read.py",
            label="Read it",
            icon=":material/pulmonology:",
            query_params={"film": film_id} | dataset_link(),
        )
