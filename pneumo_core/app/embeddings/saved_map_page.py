"""A map that ``pneumo embed`` wrote, for any number of X-rays."""

from collections.abc import Hashable
from pathlib import Path

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.embeddings.large_map import show_large_map
from pneumo_core.app.embeddings.lasso import selected_rows
from pneumo_core.app.embeddings.map_options import choose_look
from pneumo_core.app.embeddings.selected_images import show_selection
from pneumo_core.app.memory import cached_for_all
from pneumo_core.app.sign_in import only_admitted
from pneumo_core.app.widgets.layout import beside
from pneumo_core.app.widgets.linked_choice import choose_linked
from pneumo_core.app.widgets.mouse import HOW_TO_SELECT
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.embeddings import (
    MIN_IMAGES,
    PROJECTIONS,
    SavedMap,
    layer_title,
    maps_folder,
    read_map,
    saved_maps,
    with_outcome,
)
from pneumo_core.errors import PneumoError
from pneumo_core.reports.figures import Panel

__all__ = ["show_saved_maps"]

_CHART = "saved map of films"
_HOW = """No map has been saved yet. To map X-rays from a terminal, a million of them if need be:

    pneumo embed SOURCE --out features/
    pneumo embed features/ --out {folder}/my-map.parquet

The map then appears here."""


def show_saved_maps(checkpoint: Checkpoint, place: DeltaGenerator) -> None:
    """Ask for a map in ``place``, and show it, or say that its file holds none.

    Outcomes are those at the operating point of ``checkpoint``, if the map was made with it.
    """
    files = saved_maps()
    if not files:
        st.info(_HOW.format(folder=maps_folder()), icon=":material/map:")
        return
    named = {file.name: plain(file.stem) for file in files}
    name = choose_linked(place, "Saved map", "saved", named, key="saved map")
    _explore(checkpoint, maps_folder() / name)


@st.fragment
def _explore(checkpoint: Checkpoint, file: Path) -> None:
    """Draw the map as a fragment, so that a selection does not rerun the page."""
    only_admitted()
    try:
        key = (file.name, file.stat().st_mtime_ns)
        found, films = _opened(key, file, checkpoint)
    except FileNotFoundError:
        st.info("This map was deleted. Choose another one.", icon=":material/map:")
        return
    except PneumoError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    if len(films) < MIN_IMAGES:
        st.info(f"This map has {len(films)} X-rays only. Map at least {MIN_IMAGES}.")
        return
    look = choose_look(films)
    chosen = selected_rows(films, look.found)
    charts, panel = beside("saved map")
    with charts:
        show_large_map(_CHART, key, _panel(found, file), films, look, chosen, None)
    with panel:
        if chosen is not None:
            show_selection(checkpoint.name, found.table, films, chosen)
        else:
            st.info(f"{HOW_TO_SELECT[look.drag]} They appear here.", icon=":material/touch_app:")


def _opened(key: Hashable, file: Path, checkpoint: Checkpoint) -> tuple[SavedMap, pd.DataFrame]:
    """Return a map and its described X-rays, kept for all sessions."""
    with st.spinner("Opening the map", show_time=True):
        found = cached_for_all("saved maps", key, lambda: read_map(file), most=2)
        films = cached_for_all(
            "films of saved maps",
            (key, checkpoint.name, checkpoint.card.version),
            lambda: _described(found, checkpoint),
            most=2,
        )
    return found, films


def _described(found: SavedMap, checkpoint: Checkpoint) -> pd.DataFrame:
    """Return the table with words for labels, and outcomes if the map is of this checkpoint."""
    table = found.table
    if found.model != checkpoint.name or found.version != checkpoint.card.version:
        kept = table.get("probability")
        table = with_outcome(table.drop(columns="probability", errors="ignore"), 0.5)
        return table if kept is None else table.assign(probability=kept)
    return with_outcome(table, checkpoint.card.operating_point().threshold)


def _panel(found: SavedMap, file: Path) -> Panel:
    method = PROJECTIONS.get(found.method, "Map")
    title = f"{method}: {plain(file.stem)}"
    if found.layer:
        title += f", {layer_title(found.layer)}"
    if found.model:
        title += f" of {found.model}"
    return Panel(title, found.points, (f"{method} 1", f"{method} 2"))
