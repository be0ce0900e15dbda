"""The X-rays behind a figure: six at a time, a table, and links to the Read page."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from pneumo_core.app.memory import cached
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key, dataset_link
from pneumo_core.app.widgets.missing_images import offer_images
from pneumo_core.app.widgets.tables import with_bounds
from pneumo_core.app.widgets.tiles import PER_PAGE, Tile, enlarge, restart_grid, show_grid
from pneumo_core.app.words import plain, x_rays
from pneumo_core.core.spreadsheets import spreadsheet_csv
from pneumo_core.datasets import LABELS, find_image
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import UNLABELLED, in_words, label_names, worst_first
from pneumo_core.imaging import display_pixels, jpeg, read_radiograph
from pneumo_core.reading.custom_threshold import CUSTOM

__all__ = ["film_picture", "offer_list", "open_in_reading_room", "show_images"]

_SIDE = 504
_SHOWN = ("id", "label", "probability", "subtype", "patient", "split")
_DERIVED = ("predicted", "cell", "series", "confidence", "error", "wrong")
_ERRORS = {"fn": "missed", "fp": "false alarm"}


def show_images(
    films: pd.DataFrame,
    checkpoint: str,
    *,
    key: str,
    ordered: bool = False,
    probabilities: Sequence[str] = (),
    threshold: float | None = None,
) -> str | None:
    """Show X-rays six at a time and as a table; return the one that is shown large.

    The worst errors come first unless ``ordered``. ``probabilities``: columns of other models'
    probabilities. ``threshold``: goes into the link to the Read page. An error is named from the
    column ``error`` or ``cell``; ``wrong`` holds for each model whether it is wrong.
    """
    if films.empty:
        st.info("No X-rays match.")
        return None
    films = films.reset_index(drop=True) if ordered else worst_first(films)
    restart_grid(key, (tuple(films["id"].head(50)), len(films)))
    pictured = _say_missing(films, key)
    large = _show_tiles(films, checkpoint, key, probabilities, threshold) if pictured else None
    if not pictured:
        picked = _show_table(films, key, probabilities)
        return picked or (str(films["id"].iloc[0]) if len(films) == 1 else None)
    with st.expander(f"Table of {x_rays(len(films))}", icon=":material/table_rows:"):
        _show_table(films, key, probabilities)
    return large


def _say_missing(films: pd.DataFrame, key: str) -> bool:
    """Return whether the dataset in use has these X-rays; if not, say what to do."""
    if dataset_in_use() is None:
        offer_images(key)
        return False
    if _none_here(films["id"].head(PER_PAGE)):
        other = "Choose theirs in the sidebar, or add it" if dataset_link() else "Add theirs"
        st.caption(
            f"These X-rays are not in the dataset in use, {plain(_name())}. {other} on the Data "
            "page."
        )
        return False
    return True


def _show_tiles(
    films: pd.DataFrame,
    checkpoint: str,
    key: str,
    probabilities: Sequence[str],
    threshold: float | None,
) -> str | None:
    truth = dict(zip(films["id"], films["label"], strict=True))
    return show_grid(
        _tiles(films, checkpoint, probabilities),
        partial(_picture, dataset_key(dataset_in_use())),
        key=key,
        link=lambda film_id: open_in_reading_room(
            film_id, checkpoint, threshold=threshold, truth=truth.get(film_id)
        ),
    )


def offer_list(films: pd.DataFrame, file: str) -> None:
    """Offer these X-rays as CSV, with labels and errors in words; a label is empty if unknown."""
    st.download_button(
        "Save list",
        lambda: spreadsheet_csv(in_words(films)),
        file,
        "text/csv",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        help=f"{x_rays(len(films))} as CSV",
    )


def open_in_reading_room(
    film_id: str,
    checkpoint: str,
    label: str = "Open on the Read page",
    *,
    threshold: float | None = None,
    truth: int | None = None,
) -> None:
    """Show a link that opens the X-ray on the Read page with the model and its heat map.

    ``threshold``: read at it instead of at the model's default operating point. ``truth``: its
    label, or ``UNLABELLED``.
    """
    named = {} if truth in (None, UNLABELLED) else {"label": LABELS[truth or 0]}
    at = {} if threshold is None else {"point": CUSTOM, "threshold": f"{threshold:.3f}"}
    st.page_link(
        "pages/read.py",
        label=label,
        icon=":material/pulmonology:",
        query_params={"checkpoint": checkpoint, "film": film_id, "look": "1"}
        | named
        | at
        | dataset_link(),
    )


def film_picture(film_id: str, side: int = _SIDE) -> bytes:
    """Return an X-ray of the dataset as a JPEG. Raises PneumoError if missing or unreadable."""
    data = dataset_in_use()
    source = find_image(data, film_id) if data else None
    if source is None:
        raise PneumoError("No picture: this X-ray is not in the dataset in use.")
    return jpeg(display_pixels(read_radiograph(source, name=film_id).pixels, side))


def _none_here(ids: Iterable[str]) -> bool:
    """Return whether none of these X-rays is in the dataset in use."""
    data = dataset_in_use()
    return data is not None and not any(find_image(data, str(each)) for each in ids)


def _name() -> str:
    data = dataset_in_use()
    return data.stem if data else ""


def _picture(dataset: tuple[str, int], film_id: str) -> bytes:
    return cached("film pictures", (dataset, film_id), lambda: film_picture(film_id), most=200)


def _tiles(films: pd.DataFrame, checkpoint: str, probabilities: Sequence[str]) -> list[Tile]:
    """Return a tile for each row; several models are distinguished by their names."""
    columns = {"probability": checkpoint if probabilities else ""}
    columns |= {name: name for name in probabilities}
    return [_tile(row, columns) for row in films.to_dict("records")]


def _tile(row: Mapping[Any, Any], columns: Mapping[str, str]) -> Tile:
    error = str(row.get("error") or _ERRORS.get(str(row.get("cell")), ""))
    distance, wrong = row.get("distance"), row.get("wrong")
    return Tile(
        str(row["id"]),
        int(str(row["label"])),
        tuple((name, float(str(row[column]))) for column, name in columns.items()),
        error,
        f"distance {distance:.3f}" if isinstance(distance, float) else "",
        wrong if isinstance(wrong, tuple) else (),
    )


def _show_table(films: pd.DataFrame, key: str, probabilities: Sequence[str]) -> str | None:
    """Show a row for each X-ray; a click on one shows it large. Returns the one clicked."""
    others = [c for c in films if c not in (*_SHOWN, *_DERIVED)]
    table = films[[*(c for c in _SHOWN if c in films), *others]].copy()
    table["label"] = label_names(films["label"])
    event = st.dataframe(
        with_bounds(table, ["probability", *probabilities]),
        key=f"films {key}",
        hide_index=True,
        height=min(320, 38 + 35 * len(table)),
        on_select=lambda: _row_clicked(films, key),
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
    return _clicked(event.selection, films)


def _row_clicked(films: pd.DataFrame, key: str) -> None:
    picked = _clicked(st.session_state[f"films {key}"]["selection"], films)
    if picked:
        enlarge(key, picked)


def _clicked(selection: Mapping[str, Sequence[object]], films: pd.DataFrame) -> str | None:
    cells = [cell[0] for cell in selection.get("cells", ()) if isinstance(cell, list | tuple)]
    rows = cells or list(selection.get("rows", ()))
    row = int(str(rows[0])) if rows else len(films)
    return str(films["id"].iloc[row]) if row < len(films) else None
