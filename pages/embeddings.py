"""Embeddings: what the network sees of many films, as maps to explore."""

import streamlit as st

from pneumo_core.dashboard import open_page

with open_page("Embeddings", wide=True):
    # Torch comes with these, seconds at the first visit: by now the frame is on the screen.
    from pneumo_core.dashboard.choices import DATASET, choose_checkpoint, say_what_is_missing
    from pneumo_core.dashboard.embeddings.sources import (
        choose_drawing,
        choose_features,
        map_of,
        pixels_of,
    )
    from pneumo_core.dashboard.embeddings.view import show_maps
    from pneumo_core.dashboard.progress import Cancelled

    which, films = st.columns([1, 3], gap="large")
    with which:
        checkpoint = choose_checkpoint(st.container())
    say_what_is_missing()
    if checkpoint:
        try:
            with films:
                features, source = choose_features(checkpoint)
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
            maps = [(each, map_of(each, drawing)) for each in layers]
        except Cancelled as stopped:
            waiting = "Nothing is drawn yet. Start it with the button, or choose other films."
            st.info(str(stopped) or waiting)
        else:
            show_maps(checkpoint, maps)
