"""Home: what Pneumo does, the installed models, links to the pages."""

import streamlit as st

from pneumo_core.app import open_page

with open_page("Pneumo"):
    st.markdown(
        "Pneumo reads chest X-rays for signs of pneumonia. It shows a calibrated probability and "
        "a heat map of the evidence. Train your own model on a folder of X-rays; results are the "
        "same here, on the command line and in Python."
    )
    if st.button("Read an X-ray", type="primary", icon=":material/pulmonology:"):
        st.switch_page("pages/read.py")

    with st.container(horizontal=True, gap="medium"):
        for file, label, icon in (
            ("pages/evaluate.py", "Evaluate a model", ":material/query_stats:"),
            ("pages/compare.py", "Compare models", ":material/compare_arrows:"),
            ("pages/embeddings.py", "Explore embeddings", ":material/scatter_plot:"),
            ("pages/data.py", "Inspect datasets", ":material/folder_open:"),
        ):
            st.page_link(file, label=label, icon=icon)

    # Slow on the first visit; the page is already on the screen.
    from pneumo_core.app.widgets.model_cards import show_checkpoints, show_dataset

    show_checkpoints()
    show_dataset()
