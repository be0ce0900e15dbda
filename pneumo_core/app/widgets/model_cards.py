"""Cards of the installed models and the dataset, for the home page."""

import streamlit as st

from pneumo_core.app.widgets.dataset_choice import dataset_in_use
from pneumo_core.app.widgets.model_choice import say_what_is_missing
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint, list_checkpoints
from pneumo_core.metrics import format_rate

__all__ = ["show_checkpoints", "show_dataset"]


def show_checkpoints() -> None:
    """Show a card for each checkpoint, the default first, and a warning for each damaged one."""
    say_what_is_missing()
    found, _ = list_checkpoints()
    if not found:
        return
    st.header("Models", anchor=False)
    with st.container(horizontal=True, gap="medium"):
        for checkpoint in found:
            with st.container(border=True, width=360):
                _show_card(checkpoint, default=checkpoint is found[0])


def show_dataset() -> None:
    """Show the dataset in use, or explain how to get one."""
    st.header("Dataset", anchor=False)
    folder = dataset_in_use()
    if folder is None:
        st.markdown(
            "No dataset yet. Download the public one or add your own on the page Data, or with "
            "`pneumo data download` and `pneumo data add`; or set `PNEUMO_DATA` to a folder "
            "`split/CLASS/image` with the classes NORMAL and PNEUMONIA, and restart Pneumo. "
            "Reading X-rays does not need one."
        )
    elif not folder.exists():
        st.warning(f"PNEUMO_DATA is {plain(str(folder))}, which does not exist. Correct it.")
    else:
        st.markdown(f"`{folder}`")


def _show_card(checkpoint: Checkpoint, *, default: bool) -> None:
    card = checkpoint.card
    split = next((each for each in ("test", "val") if each in card.evaluation), None)
    point = card.operating_point()
    st.markdown(f"**{plain(checkpoint.name)}**" + (" :gray-badge[default]" if default else ""))
    st.caption(
        f"Architecture {plain(card.architecture)}  \n"
        f"Version {card.version}, trained {plain(card.created)}"
    )
    if split is None:
        st.markdown("Not evaluated.")
    else:
        figures = card.evaluation[split]
        st.markdown(
            f"| {figures.n} {split} X-rays | value (95 % interval) |\n|:--|:--|\n"
            f"| AUC | {figures.auc} |\n"
            f"| Sensitivity | {figures.sensitivity} |\n"
            f"| Specificity | {figures.specificity} |"
        )
    st.caption(
        f"At the default operating point, {plain(point.name)} ({format_rate(point.threshold)})"
    )
    if split == "val":
        st.caption("Evaluated on validation X-rays, which it was tuned on: optimistic.")
    if "grad_cam" in card.inside_lungs:
        share = card.inside_lungs["grad_cam"] * 100
        st.caption(f"On average, {share:.0f} % of its Grad-CAM heat maps lie inside the lungs.")
    st.page_link(
        "pages/read.py",
        label="Read X-rays with it",
        icon=":material/arrow_forward:",
        query_params={"checkpoint": checkpoint.name},
    )
