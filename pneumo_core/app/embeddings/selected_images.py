"""The X-rays selected on a map: counts, list and export."""

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pneumo_core.app.embeddings.lasso import clear
from pneumo_core.app.evaluate.error_images import show_images
from pneumo_core.app.widgets.dataset_choice import dataset_in_use
from pneumo_core.app.words import plain
from pneumo_core.core.spreadsheets import spreadsheet_csv
from pneumo_core.datasets import find_image, folder_of

__all__ = ["show_selection"]

_MOST_TAKEN = 1000
"""Largest number of X-rays in an exported ZIP, which is built in memory."""


def show_selection(
    checkpoint: str, table: pd.DataFrame, films: pd.DataFrame, chosen: NDArray[np.bool_]
) -> str | None:
    """Show the chosen rows (N,) of ``table``; ``films`` has the same rows with words.

    Returns the id of the X-ray that was clicked, or of the only one.
    """
    count = int(chosen.sum())
    st.subheader(f"Selected: {count:,} of {len(films):,} X-rays", anchor=False)
    inside, shares = films[chosen], []
    for column in ("label", "outcome", "subtype"):
        if column in films:
            counts = inside[column].value_counts().to_dict()
            whole = films[column].value_counts().to_dict()
            shares += [f"{word} {n} of {whole[word]}" for word, n in counts.items() if word]
    st.caption(plain(" · ".join(shares)))
    rows = table[chosen]
    _offer_downloads(rows, inside)
    if "probability" not in rows:
        rows = rows.assign(probability=float("nan"))
    picked = show_images(rows, checkpoint, key="mapped")
    return picked or (str(rows["id"].iloc[0]) if count == 1 else None)


def _offer_downloads(rows: pd.DataFrame, inside: pd.DataFrame) -> None:
    data = dataset_in_use()
    there = (
        data is not None and len(rows) > 0 and find_image(data, str(rows["id"].iloc[0])) is not None
    )
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Selection, CSV",
            lambda: spreadsheet_csv(inside),
            "pneumo-selection.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="A row per X-ray with its id: a manifest of the selection.",
        )
        if data is not None and there:
            st.download_button(
                "Selection, X-rays",
                lambda: folder_of(data, rows),
                "pneumo-selection.zip",
                "application/zip",
                icon=":material/folder_zip:",
                on_click="ignore",
                disabled=len(rows) > _MOST_TAKEN,
                help=f"A new dataset folder, zipped; up to {_MOST_TAKEN:,} X-rays.",
            )
        st.button("Clear the selection", icon=":material/close:", on_click=clear, type="tertiary")
