"""Evaluate a model on many X-rays, at any threshold, with the X-rays behind every figure."""

import streamlit as st

from pneumo_core.app import open_page

with open_page("Evaluate", wide=True, keeps=("checkpoint", "films")):
    # Slow on the first visit; the frame of the page is already on the screen.
    from pneumo_core.app.evaluate.evaluate_page import show_evaluation
    from pneumo_core.app.evaluate.score_cache import choose_scores, say_warnings
    from pneumo_core.app.widgets.comparison_link import link_to_comparison
    from pneumo_core.app.widgets.model_choice import choose_checkpoint, say_what_is_missing

    which, films = st.columns([1, 2], gap="large")
    with which, st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        checkpoint = choose_checkpoint(st.container())
        if checkpoint:
            link_to_comparison(checkpoint.name)
    say_what_is_missing()
    if checkpoint:
        with films:
            scores = choose_scores(checkpoint)
        if scores:
            say_warnings(scores)
            show_evaluation(checkpoint, scores)
