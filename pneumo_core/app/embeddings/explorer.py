"""Choose X-rays, layer and projection, and show the maps of one network."""

import streamlit as st

from pneumo_core.app.embeddings.map_page import show_few, show_maps
from pneumo_core.app.embeddings.projection_cache import (
    choose_drawing,
    choose_features,
    map_of,
    pixels_of,
)
from pneumo_core.app.widgets.model_choice import DATASET, choose_linked
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.embeddings import LEAST_FILMS

__all__ = ["choose_view", "show_explorer"]

_VIEWS = {"network": "A trained model", "training": "Training, epoch by epoch"}


def choose_view() -> str:
    """Ask for the view: "network" (a checkpoint's maps) or "training" (a run's epochs)."""
    return choose_linked(st.container(width=260), "View", "view", _VIEWS, key="map view")


def show_explorer(checkpoint: Checkpoint) -> None:
    """Show everything below the choice of model. Raises Cancelled until there is a map."""
    features, source = choose_features(checkpoint)
    if len(features.table) < LEAST_FILMS:
        show_few(checkpoint, features)
        return
    drawing = choose_drawing()
    layers = [features]
    if drawing.dimensions == 2 and st.toggle(
        "Compare with the pixels (before the network)",
        key="before",
        disabled=not source.startswith(DATASET),
        help="Needs the image files: set PNEUMO_DATA and choose its X-rays above.",
    ):
        pixels = pixels_of(checkpoint, source)
        layers = [pixels, features] if pixels else layers
    show_maps(checkpoint, [(each, map_of(each, drawing)) for each in layers])
