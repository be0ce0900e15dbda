"""Choose X-rays, layer and projection, and show the maps of one network."""

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.embeddings.map_page import Mapped, show_few, show_maps
from pneumo_core.app.embeddings.projection_cache import (
    Drawing,
    choose_drawing,
    choose_layer,
    features_from,
    map_of,
    pixels_of,
)
from pneumo_core.app.widgets.linked_choice import choose_linked, choose_toggle
from pneumo_core.app.widgets.model_choice import DATASET
from pneumo_core.app.widgets.progress import Cancelled
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.embeddings import MIN_IMAGES, Features

__all__ = ["choose_view", "show_explorer"]

_VIEWS = {
    "network": "A trained model",
    "training": "Training, epoch by epoch",
    "saved": "A saved map",
}
_STANDING = "maps on the screen"


@dataclass(frozen=True, eq=False)
class _Standing:
    """The maps drawn last, which stay on the screen until others are there."""

    checkpoint: Checkpoint
    maps: list[Mapped]


def choose_view(place: DeltaGenerator) -> str:
    """Ask for the view: "network" (a checkpoint's maps), "training" (a run's epochs), "saved"."""
    return choose_linked(place, "View", "view", _VIEWS, key="map view")


def show_explorer(checkpoint: Checkpoint, films: DeltaGenerator, layer: DeltaGenerator) -> None:
    """Show everything below the choice of model; ``films`` and ``layer`` get two select boxes.

    While other maps wait for a button or are computed, those drawn last stay on the screen. Raises
    Cancelled if there are none.
    """
    source, chosen = choose_layer(checkpoint, films, layer)
    options = st.container(
        horizontal=True, vertical_alignment="bottom", gap="small", key="map options"
    )
    with options:
        drawing = choose_drawing()
        before = drawing.dimensions == 2 and _asks_for_pixels(source)
    try:
        features = features_from(checkpoint, source, chosen)
        if len(features.table) < MIN_IMAGES:
            show_few(checkpoint, features)
            return
        maps = _maps(checkpoint, source, features, drawing, before)
    except Cancelled:
        standing: _Standing | None = st.session_state.get(_STANDING)
        if standing is None:
            raise
        st.caption("Below is still the previous map. Press the button to draw the new one.")
    else:
        standing = st.session_state[_STANDING] = _Standing(checkpoint, maps)
    show_maps(standing.checkpoint, standing.maps, options)


def _asks_for_pixels(source: str) -> bool:
    """Ask whether to show the pixels' map, too; it needs the image files."""
    return choose_toggle(
        "Compare with the pixels",
        "pixels",
        key="before",
        disabled=not source.startswith(DATASET),
        help="A second map of the same X-rays before the network. Needs the image files: choose "
        "X-rays of the dataset above.",
    )


def _maps(
    checkpoint: Checkpoint, source: str, features: Features, drawing: Drawing, before: bool
) -> list[Mapped]:
    """Return the map, after that of the pixels if asked for. Raises Cancelled, PneumoError."""
    pixels = pixels_of(checkpoint, source) if before else None
    layers = [pixels, features] if pixels else [features]
    return [(each, map_of(each, drawing)) for each in layers]
