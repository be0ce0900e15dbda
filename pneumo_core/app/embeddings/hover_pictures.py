"""The picture of an X-ray beside the pointer, while it is over the X-ray's point on a map."""

from math import ceil, sqrt
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pneumo_core.app.memory import cached_for_all
from pneumo_core.app.streamlit_patches import address_of
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key
from pneumo_core.app.widgets.script import script_component
from pneumo_core.datasets import find_image
from pneumo_core.imaging import contact_sheet

__all__ = ["show_on_hover"]

_MOST = 2000
"""Above this number of X-rays a sheet of them would take megabytes and minutes."""
_SIDE = 64
_SCRIPT = Path(__file__).with_name("hover.js")


def show_on_hover(chart: str, films: pd.DataFrame, rows: NDArray[np.int64] | None = None) -> None:
    """Show each X-ray's picture beside the pointer on the chart; its rows are ``films``.

    ``rows``: those of them that have a point now, if not all.

    Nothing without image files, or with more than 2,000 X-rays.
    """
    data = dataset_in_use()
    if rows is not None:
        films = films.iloc[rows]
    if data is None or films.empty or len(films) > _MOST:
        return
    if find_image(data, str(films["id"].iloc[0])) is None:
        return
    ids = tuple(films["id"].astype(str))

    def draw() -> bytes:
        with st.spinner("Preparing pictures for the map"):
            return contact_sheet([find_image(data, each) for each in ids], _SIDE)

    sheet = cached_for_all("hover sheets", (dataset_key(data), ids), draw, most=4)
    script_component("pneumo_hover", _SCRIPT)(
        key=f"hover {chart}",
        data={
            "chart": chart.replace(" ", "-"),
            "sheet": address_of(sheet, "image/jpeg"),
            "columns": ceil(sqrt(len(ids))),
            "count": len(ids),
            "rows": None if rows is None else rows.tolist(),
            "side": _SIDE,
        },
    )
