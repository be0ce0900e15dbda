"""The X-rays behind a figure: a table, thumbnails, and links to the Read page."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.memory import kept
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key, dataset_link
from pneumo_core.app.widgets.tables import with_bounds
from pneumo_core.app.words import plain
from pneumo_core.datasets import LABELS, find_film
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import UNLABELLED, worst_first
from pneumo_core.imaging import display_pixels, jpeg, read_radiograph
from pneumo_core.metrics import format_rate

__all__ = ["film_picture", "open_in_reading_room", "show_films"]

_PICTURES = 12
_SIDE = 168
_SHOWN = ("id", "label", "probability", "subtype", "patient", "split")
_DERIVED = ("predicted", "cell", "series", "confidence")
_NO_PICTURES = (
    "The image files are not on this machine, so only their names are shown. Get the public "
    "dataset (doi 10.17632/rscbjbr9sj) with `pneumo data download chest_xray`, or set "
    "`PNEUMO_DATA` to its folder and start Pneumo again."
)


def show_films(
    films: pd.DataFrame,
    checkpoint: str,
    *,
    key: str,
    ordered: bool = False,
    pictures: DeltaGenerator | None = None,
    probabilities: Sequence[str] = (),
) -> str | None:
    """Show a table of X-rays and thumbnails of the first ones; return the one clicked.

    The worst errors come first unless ``ordered``. ``pictures``: where thumbnails go, below by
    default. ``probabilities``: columns of other models' probabilities.
    """
    if films.empty:
        st.info("No X-rays match.")
        return None
    films = films.reset_index(drop=True) if ordered else worst_first(films)
    others = [c for c in films if c not in (*_SHOWN, *_DERIVED)]
    table = films[[*_SHOWN, *others]].copy()
    table["label"] = [LABELS[each] if each != UNLABELLED else "" for each in films["label"]]
    event = st.dataframe(
        with_bounds(table, ["probability", *probabilities]),
        key=f"films {key}",
        hide_index=True,
        height=min(320, 38 + 35 * len(table)),
        on_select="rerun",
        selection_mode=("single-row", "single-cell"),
        alt="X-rays, a row for each. Click a row to see the X-ray.",
        column_config={
            "id": st.column_config.TextColumn("X-ray", width="medium"),
            "label": st.column_config.TextColumn("Label", width="small"),
            "probability": st.column_config.NumberColumn("Probability", width="small"),
            "subtype": "Subtype",
            "patient": "Patient",
            "split": "Split",
        },
    )
    rows = [row for row, _ in event.selection.cells] or event.selection.rows
    picked = str(films["id"].iloc[rows[0]]) if rows and rows[0] < len(films) else None
    with pictures or st.container():
        _show_pictures(films, checkpoint, picked)
    return picked


def open_in_reading_room(
    film_id: str, checkpoint: str, label: str = "Open on the Read page"
) -> None:
    """Show a link that opens the X-ray on the Read page with the model and its heat map."""
    st.page_link(
        "pages/read.py",
        label=label,
        icon=":material/pulmonology:",
        query_params={"checkpoint": checkpoint, "film": film_id, "look": "1"} | dataset_link(),
    )


def _show_pictures(films: pd.DataFrame, checkpoint: str, picked: str | None) -> None:
    """Show the clicked X-ray large with its link; otherwise the first few thumbnails."""
    if dataset_in_use() is None:
        st.caption(_NO_PICTURES)
        return
    ids = [picked] if picked else films["id"].head(_PICTURES).tolist()
    rows = films[films["id"].isin(ids)]
    with st.container(horizontal=True, gap="medium"):
        for film_id, label, p in zip(rows["id"], rows["label"], rows["probability"], strict=True):
            with st.container(width=_SIDE if len(ids) > 1 else 3 * _SIDE, gap="small"):
                _show_picture(str(film_id), int(label), float(p), checkpoint)
    if not picked and len(films) > _PICTURES:
        st.caption(f"The first {_PICTURES} of {len(films)} X-rays. Click a row to see its X-ray.")


def _show_picture(film_id: str, label: int, probability: float, checkpoint: str) -> None:
    said = f"probability {format_rate(probability)}"
    if label != UNLABELLED:
        said = f"{LABELS[label]}, {said}"
    try:
        which = (dataset_key(dataset_in_use()), film_id)
        picture = kept("film pictures", which, lambda: film_picture(film_id), most=200)
    except PneumoError as error:
        st.caption(plain(str(error)))
        return
    st.image(picture, width="stretch", alt=f"{film_id}: {said}")
    st.caption(f"{plain(film_id.rsplit('/', 1)[-1])}: {said}")
    open_in_reading_room(film_id, checkpoint, "Read it")


def film_picture(film_id: str, side: int = 3 * _SIDE) -> bytes:
    """Return an X-ray of the dataset as a JPEG. Raises PneumoError if missing or unreadable."""
    data = dataset_in_use()
    source = find_film(data, film_id) if data else None
    if source is None:
        raise PneumoError(f"'{film_id}' is not in the dataset in use.")
    return jpeg(display_pixels(read_radiograph(source, name=film_id).pixels, side))
