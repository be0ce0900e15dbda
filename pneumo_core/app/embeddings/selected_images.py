"""The X-rays selected on a map: counts, list and export."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pneumo_core.app.embeddings.lasso import clear
from pneumo_core.app.evaluate.error_images import show_images
from pneumo_core.app.memory import known_of
from pneumo_core.app.widgets.dataset_choice import dataset_in_use
from pneumo_core.app.words import plain
from pneumo_core.core.spreadsheets import spreadsheet_csv
from pneumo_core.datasets import find_image, folder_of

__all__ = ["show_selection"]

_MOST_LISTED = 2000
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
    st.caption(plain(known_of(chosen, "shares of a selection", lambda: _shares(films, chosen))))
    rows = known_of(chosen, "listed of a selection", lambda: _listed(table, chosen))
    _offer_downloads(rows, lambda: films[chosen], count)
    if len(rows) < count:
        st.caption(f"The {len(rows):,} worst errors first are listed. The CSV has all {count:,}.")
    picked = show_images(rows, checkpoint, key="mapped")
    return picked or (str(rows["id"].iloc[0]) if count == 1 else None)


def _shares(films: pd.DataFrame, chosen: NDArray[np.bool_]) -> str:
    """Return how many of each label, outcome and subtype are chosen."""
    shares = []
    for column in ("label", "outcome", "subtype"):
        if column in films:
            counts = films[column][chosen].value_counts().to_dict()
            whole = films[column].value_counts().to_dict()
            shares += [f"{word} {n:,} of {whole[word]:,}" for word, n in counts.items() if word]
    return " · ".join(shares)


def _listed(table: pd.DataFrame, chosen: NDArray[np.bool_]) -> pd.DataFrame:
    """Return the chosen rows, of many only the worst errors; with a column of probabilities."""
    rows = np.flatnonzero(chosen)
    if "probability" not in table:
        return table.iloc[rows[:_MOST_LISTED]].assign(probability=float("nan"))
    if len(rows) > _MOST_LISTED:
        error = (table["probability"] - table["label"]).abs().to_numpy()[rows]
        rows = rows[np.argsort(-np.nan_to_num(error), kind="stable")[:_MOST_LISTED]]
    return table.iloc[rows]


def _offer_downloads(rows: pd.DataFrame, inside: Callable[[], pd.DataFrame], count: int) -> None:
    data = dataset_in_use()
    there = (
        data is not None and len(rows) > 0 and find_image(data, str(rows["id"].iloc[0])) is not None
    )
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Selection, CSV",
            lambda: spreadsheet_csv(inside()),
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
                disabled=count > _MOST_TAKEN,
                help=f"A new dataset folder, zipped; up to {_MOST_TAKEN:,} X-rays.",
            )
        st.button("Clear the selection", icon=":material/close:", on_click=clear, type="tertiary")
