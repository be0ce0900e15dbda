"""Explore maps of the features that a network computes from many X-rays."""

import streamlit as st

from pneumo_core.app import open_page

with open_page(
    "Embeddings",
    wide=True,
    keeps=("checkpoint", "view", "films", "layer", "map", "3d", "pixels", "run", "colour", "saved"),
):
    # Slow on the first visit; the frame of the page is already on the screen.
    from pneumo_core.app.embeddings.explorer import choose_view, show_explorer
    from pneumo_core.app.embeddings.saved_map_page import show_saved_maps
    from pneumo_core.app.embeddings.training_maps import show_training
    from pneumo_core.app.widgets.model_choice import choose_checkpoint, say_what_is_missing
    from pneumo_core.app.widgets.progress import Cancelled

    which, how, films, layer = st.columns([3, 3, 5, 3], gap="small")
    checkpoint = choose_checkpoint(which)
    say_what_is_missing()
    if checkpoint:
        try:
            view = choose_view(how)
            if view == "training":
                show_training(checkpoint)
            elif view == "saved":
                show_saved_maps(checkpoint, films)
            else:
                show_explorer(checkpoint, films, layer)
        except Cancelled as stopped:
            waiting = "No map yet. Press the button to start, or choose other X-rays."
            st.info(str(stopped) or waiting)
