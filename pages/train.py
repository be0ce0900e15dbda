"""Train: start a run, watch it learn, and read with what it learned."""

import streamlit as st

from pneumo_core.app import open_page

with open_page("Train"):
    st.markdown(
        "A run trains a network in a process of its own: it goes on when you close this page, and "
        "publishes a checkpoint that every page offers."
    )
    # These take a while at the first visit: by now the frame is on the screen.
    from pneumo_core.app.train.run_list import show_runs
    from pneumo_core.app.train.start_form import new_run
    from pneumo_core.app.widgets.model_choice import say_what_is_missing

    new_run()
    show_runs()
    say_what_is_missing()
