"""Start, follow and manage training runs."""

import streamlit as st

from pneumo_core.app import open_page

with open_page("Train"):
    st.markdown(
        "A training run is a separate process: it continues when you close this page. When it "
        "finishes, its model appears on every page."
    )
    # Slow on the first visit; the frame of the page is already on the screen.
    from pneumo_core.app.train.run_list import show_runs
    from pneumo_core.app.train.start_form import new_run
    from pneumo_core.app.widgets.model_choice import say_what_is_missing

    new_run()
    show_runs()
    say_what_is_missing()
