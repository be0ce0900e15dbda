"""Start, follow and manage training runs."""

import streamlit as st

from pneumo_core.app import open_page

with open_page("Train", wide=True, keeps=("model", "recipe")):
    st.markdown(
        "A training run is a separate process: it continues when you close this page. When it "
        "finishes, its model appears on every page."
    )
    # Slow on the first visit; the frame of the page is already on the screen.
    from pneumo_core.app.train.run_list import show_runs
    from pneumo_core.app.train.run_table import show_run_table
    from pneumo_core.app.train.start_form import new_run
    from pneumo_core.app.widgets.model_choice import say_what_is_missing

    form, runs = st.columns([2, 3], gap="large")
    with form:
        new_run()
    with runs:
        show_runs()
    show_run_table()
    say_what_is_missing()
