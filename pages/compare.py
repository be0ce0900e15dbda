"""Compare two to four models on the same X-rays: figures, tests and single X-rays."""

import streamlit as st

from pneumo_core.app import open_page

with open_page("Compare", wide=True, keeps=("checkpoints", "films", "pair", "view")):
    # Slow on the first visit; the frame of the page is already on the screen.
    from pneumo_core.app.compare.comparison_figures import show_numbers
    from pneumo_core.app.compare.pair_choice import choose_checkpoints, choose_images, choose_view
    from pneumo_core.app.compare.side_by_side import show_side_by_side
    from pneumo_core.app.evaluate.score_cache import say_warnings
    from pneumo_core.app.reading_room.uploads import add_films, my_worklist
    from pneumo_core.app.widgets.model_choice import say_what_is_missing

    which, films = st.columns([3, 2], gap="medium")
    with which:
        checkpoints = choose_checkpoints()
    say_what_is_missing()
    if len(checkpoints) < 2:
        st.info("Choose at least two models.", icon=":material/compare_arrows:")
    elif choose_view() == "many":
        with films:
            scores = choose_images(checkpoints)
        for each in scores or ():
            say_warnings(each)
        if scores:
            show_numbers(checkpoints, scores)
    else:
        worklist = my_worklist()
        add_films(worklist)
        show_side_by_side(checkpoints, worklist)
