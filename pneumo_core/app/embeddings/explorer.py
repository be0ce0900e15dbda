"""The maps of one network: which films, which layer, how drawn."""

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

_VIEWS = {"network": "A trained network", "training": "Training in pictures"}


def choose_view() -> str:
    """A select box; "network" for a checkpoint's maps, "training" for those of a run's epochs."""
    return choose_linked(st.container(width=260), "View", "view", _VIEWS, key="map view")


def show_explorer(checkpoint: Checkpoint) -> None:
    """Everything below the choice of checkpoint. Raises Cancelled until something can be shown."""
    features, source = choose_features(checkpoint)
    if len(features.table) < LEAST_FILMS:
        show_few(checkpoint, features)
        return
    drawing = choose_drawing()
    layers = [features]
    if drawing.dimensions == 2 and st.toggle(
        "Before and after: the same films as pixels beside it",
        key="before",
        disabled=not source.startswith(DATASET),
        help="Needs the films themselves: set PNEUMO_DATA and choose its films.",
    ):
        pixels = pixels_of(checkpoint, source)
        layers = [pixels, features] if pixels else layers
    show_maps(checkpoint, [(each, map_of(each, drawing)) for each in layers])
