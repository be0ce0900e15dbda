"""The installed checkpoints and the dataset, for the home page."""

import streamlit as st

from pneumo_core.app.widgets.dataset_choice import dataset_in_use
from pneumo_core.app.widgets.model_choice import say_what_is_missing
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint, list_checkpoints
from pneumo_core.metrics import format_rate

__all__ = ["show_checkpoints", "show_dataset"]


def show_checkpoints() -> None:
    """A card for each checkpoint, the default first, and a sentence for each damaged one."""
    say_what_is_missing()
    found, _ = list_checkpoints()
    if not found:
        return
    st.header("Checkpoints", anchor=False)
    with st.container(horizontal=True, gap="medium"):
        for checkpoint in found:
            with st.container(border=True, width=360):
                _show_card(checkpoint, default=checkpoint is found[0])


def show_dataset() -> None:
    """Which films are there to analyse and train on, or how to name them."""
    st.header("Dataset", anchor=False)
    folder = dataset_in_use()
    if folder is None:
        st.markdown(
            "No dataset is here. Download the public set or add your own films, with `pneumo data "
            "download` and `pneumo data add`; or set `PNEUMO_DATA` to a folder of films, "
            "`split/CLASS/film` with the classes NORMAL and PNEUMONIA, and start Pneumo again. "
            "Reading films needs none."
        )
    elif not folder.exists():
        st.warning(f"PNEUMO_DATA is {plain(str(folder))}, which is not there. Correct it.")
    else:
        st.markdown(f"`{folder}`")


def _show_card(checkpoint: Checkpoint, *, default: bool) -> None:
    card = checkpoint.card
    split = next((each for each in ("test", "val") if each in card.evaluation), None)
    point = card.operating_point()
    st.markdown(f"**{plain(checkpoint.name)}**" + (" :gray-badge[default]" if default else ""))
    st.caption(
        f"Model {plain(card.architecture)}  \nVersion {card.version}, trained {plain(card.created)}"
    )
    if split is None:
        st.markdown("Never scored.")
    else:
        figures = card.evaluation[split]
        st.markdown(
            f"| {figures.n} {split} films | value (95 % interval) |\n|:--|:--|\n"
            f"| AUC | {figures.auc} |\n"
            f"| Sensitivity | {figures.sensitivity} |\n"
            f"| Specificity | {figures.specificity} |"
        )
    st.caption(
        f"At its default operating point, {plain(point.name)} ({format_rate(point.threshold)})"
    )
    if split == "val":
        st.caption("Scored on validation films, which it was tuned on: expect less elsewhere.")
    if "grad_cam" in card.inside_lungs:
        share = card.inside_lungs["grad_cam"] * 100
        st.caption(f"On average, {share:.0f} % of its Grad-CAM heat maps lie inside the lungs.")
    st.page_link(
        "pages/read.py",
        label="Read a film with it",
        icon=":material/arrow_forward:",
        query_params={"checkpoint": checkpoint.name},
    )
