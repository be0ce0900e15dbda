"""Inspect a dataset: contents, findings, shortcuts, augmentation; add and delete datasets."""

import streamlit as st

from pneumo_core.app import open_page

with open_page("Data", wide=True, keeps=("view",)):
    # Slow on the first visit; the frame of the page is already on the screen.
    from pneumo_core.app.data.add_dataset import acquire_section
    from pneumo_core.app.data.data_page import show_dataset
    from pneumo_core.app.data.dataset_cache import choose_dataset, inspection_of, say_how_to_get_one
    from pneumo_core.app.widgets.model_choice import say_what_is_missing
    from pneumo_core.app.widgets.progress import Cancelled

    location = choose_dataset()
    if location is None:
        say_how_to_get_one()
    else:
        try:
            inspection = inspection_of(location)
        except Cancelled:
            st.info("Not inspected yet. Press the button to start.")
        else:
            show_dataset(inspection, location)
    st.header("Add datasets", anchor=False)
    acquire_section()
    say_what_is_missing()
