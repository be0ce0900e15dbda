"""Data: what is in a dataset, what is wrong with it, and what training makes of its films."""

import streamlit as st

from pneumo_core.dashboard import open_page

with open_page("Data", wide=True):
    # These take a while at the first visit: by now the frame is on the screen.
    from pneumo_core.dashboard.choices import say_what_is_missing
    from pneumo_core.dashboard.datasets.getting import acquire_section
    from pneumo_core.dashboard.datasets.sources import choose_dataset, inspected, say_how_to_get_one
    from pneumo_core.dashboard.datasets.view import show_dataset
    from pneumo_core.dashboard.progress import Cancelled

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
