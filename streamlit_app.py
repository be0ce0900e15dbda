"""Home: what Pneumo is, what is installed, where to go."""

import streamlit as st

from pneumo_core.app import open_page

with open_page("Pneumo"):
    st.markdown(
        "Pneumo reads chest X-rays for signs of pneumonia and shows how sure it is and where it "
        "looked. You can train your own network on a folder of films, and get the same answer "
        "here, on the command line and in Python."
    )
    if st.button("Read a film", type="primary", icon=":material/pulmonology:"):
        st.switch_page("pages/read.py")

    with st.container(horizontal=True, gap="medium"):
        for file, label, icon in (
            ("pages/evaluate.py", "See where it fails", ":material/query_stats:"),
            ("pages/compare.py", "Compare checkpoints", ":material/compare_arrows:"),
            ("pages/embeddings.py", "See what the network sees", ":material/scatter_plot:"),
            ("pages/data.py", "Know your data", ":material/folder_open:"),
        ):
            st.page_link(file, label=label, icon=icon)

    # This takes a while at the first visit: by now the page is on the screen.
    from pneumo_core.app.widgets.model_cards import show_checkpoints, show_dataset

    show_checkpoints()
    show_dataset()
