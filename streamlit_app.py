"""Home: what Pneumo does, the three jobs, the installed models, the dataset."""

import streamlit as st

from pneumo_core.app import open_page

with open_page("Pneumo"):
    told, seen = st.columns([5, 2], gap="large")
    with told:
        st.markdown(
            "Pneumo detects pneumonia in chest X-rays and shows why: a calibrated probability, a "
            "heat map of the evidence, and how often each model is right. The same X-ray gets the "
            "same number here, on the command line and in Python."
        )
        if st.button("Read an X-ray", type="primary", icon=":material/pulmonology:"):
            st.switch_page("pages/read.py")

    # Slow on the first visit; the page is already on the screen.
    from pneumo_core.app.home_page import show_dataset, show_jobs, show_models, show_sample

    with told:
        show_jobs()
    with seen:
        show_sample()
    show_models()
    show_dataset()
