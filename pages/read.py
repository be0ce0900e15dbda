"""Read X-rays: upload them, see the result in words, its probability and the heat map."""

import streamlit as st

from pneumo_core.app import open_page

with open_page("Read X-rays", wide=True, keeps=("checkpoint", "point", "threshold", "look")):
    # Slow on the first visit; the frame of the page is already on the screen.
    from pneumo_core.app.reading_room.read_first import choose_read_first
    from pneumo_core.app.reading_room.reading_page import show_empty_room, show_reading_room
    from pneumo_core.app.reading_room.uploads import follow_link, my_worklist
    from pneumo_core.app.widgets.model_choice import (
        choose_panel,
        choose_reader,
        say_what_is_missing,
    )

    worklist = my_worklist()
    follow_link(worklist)
    say_what_is_missing()
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="toolbar"):
        chosen = choose_reader()
        panel = choose_panel(chosen[0]) if chosen else []
        choose_read_first(worklist)
    if chosen and worklist.films:
        show_reading_room(worklist, *chosen, panel)
    else:
        show_empty_room(worklist, ready=chosen is not None)
