"""The reading room: films in, a verdict in words, the number beside it, where it looked."""

import streamlit as st

from pneumo_core.dashboard import open_page

with open_page("Read a film"):
    # Torch comes with these, seconds at the first visit: by now the frame is on the screen.
    from pneumo_core.dashboard.choices import choose_reader, say_what_is_missing
    from pneumo_core.dashboard.film_view import choose_look, pick_film, show_film, show_verdict
    from pneumo_core.dashboard.films import choose_films
    from pneumo_core.dashboard.readings import read_films

    what, how = st.columns([3, 2], gap="medium")
    with what:
        films = choose_films()
    with how:
        chosen = choose_reader()
    say_what_is_missing()
    if chosen and not films:
        st.info(
            "Nothing to read yet. Upload one or more films, or choose a sample. "
            "The verdict and the film appear here.",
            icon=":material/upload_file:",
        )
    elif chosen:
        checkpoint, point = chosen
        readings = read_films(films, checkpoint, point)
        said, seen = st.columns([2, 3], gap="large")
        with said:
            row = pick_film(films, readings)
            show_verdict(readings[row])
            look = choose_look(readings[row])
        with seen:
            show_film(films[row], checkpoint, look)
