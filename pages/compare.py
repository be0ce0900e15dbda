"""Compare: two to four checkpoints on the same films, one by one and in numbers."""

import streamlit as st

from pneumo_core.dashboard import open_page

with open_page("Compare", wide=True):
    # These take a while at the first visit: by now the frame is on the screen.
    from pneumo_core.dashboard.choices import say_what_is_missing
    from pneumo_core.dashboard.comparison.choices import choose_checkpoints, choose_films
    from pneumo_core.dashboard.comparison.numbers import show_numbers
    from pneumo_core.dashboard.comparison.side_by_side import show_side_by_side
    from pneumo_core.dashboard.evaluation.sources import say_warnings
    from pneumo_core.dashboard.reading_room.films import add_films, my_worklist

    checkpoints = choose_checkpoints()
    say_what_is_missing()
    if len(checkpoints) < 2:
        st.info("Choose at least two checkpoints.", icon=":material/compare_arrows:")
    else:
        views = ("On many films", "Film by film")
        view = st.segmented_control(
            "View",
            views,
            default=views[0],
            required=True,
            key="compare view",
            label_visibility="collapsed",
        )
        if view == views[0]:
            scores = choose_films(checkpoints)
            for each in scores or ():
                say_warnings(each)
            if scores:
                show_numbers(checkpoints, scores)
        else:
            worklist = my_worklist()
            add_films(worklist)
            show_side_by_side(checkpoints, worklist)
