"""Data: what is in a dataset, what is wrong with it, and what training makes of its films."""

import streamlit as st

from pneumo_core.app import open_page

with open_page("Data", wide=True):
    # These take a while at the first visit: by now the frame is on the screen.
    from pneumo_core.app.data.add_dataset import acquire_section
    from pneumo_core.app.data.data_page import show_dataset
    from pneumo_core.app.data.dataset_cache import choose_dataset, inspected, say_how_to_get_one
    from pneumo_core.app.widgets.model_choice import say_what_is_missing
    from pneumo_core.app.widgets.progress import Cancelled

    location = choose_dataset()
    if location is None:
        say_how_to_get_one()
    else:
        try:
            inspection = inspected(location)
        except Cancelled:
            st.info("Nothing is inspected yet. Start it with the button.")
        else:
            show_dataset(inspection, location)
    st.header("More films", anchor=False)
    acquire_section()
    say_what_is_missing()
