"""Home: a sample with its lungs outlined, links to the three jobs, the models, the dataset."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image, ImageDraw

from pneumo_core.app.widgets.dataset_choice import dataset_in_use
from pneumo_core.app.widgets.model_choice import say_what_is_missing
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint, best_for, list_checkpoints
from pneumo_core.imaging import display_pixels, jpeg, read_radiograph
from pneumo_core.lungs import find_lungs
from pneumo_core.metrics import format_rate
from pneumo_core.reading import samples

__all__ = ["show_dataset", "show_jobs", "show_models", "show_sample"]

_JOBS = (
    (
        "Read",
        "Upload X-rays, see the result, where the evidence is, and how far to trust it.",
        ":material/pulmonology:",
        (("pages/read.py", "Read X-rays"), ("pages/gateway.py", "Connect a PACS")),
    ),
    (
        "Evaluate",
        "Find where a model fails, compare models, explore embeddings.",
        ":material/query_stats:",
        (
            ("pages/evaluate.py", "Evaluate a model"),
            ("pages/compare.py", "Compare models"),
            ("pages/embeddings.py", "Explore embeddings"),
        ),
    ),
    (
        "Train",
        "Inspect a dataset, train a model on it, follow the runs.",
        ":material/model_training:",
        (("pages/data.py", "Inspect datasets"), ("pages/train.py", "Train a model")),
    ),
)
_SIDE = 440


def show_jobs() -> None:
    """Show a card for each of the three jobs, with links to its pages."""
    for column, (title, about, icon, pages) in zip(st.columns(3), _JOBS, strict=True):
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{icon} {title}**")
            st.caption(about)
            for file, label in pages:
                st.page_link(file, label=label, icon=":material/arrow_forward:")


def show_sample() -> None:
    """Show the sample chest X-ray with the lungs outlined; nothing if it is not installed."""
    picture = _sample_picture()
    if picture is None:
        return
    st.image(picture, width="stretch", alt="A chest X-ray with the lungs outlined")
    st.caption(
        "The adult sample (pydicom-data, MIT). The model looks at the box around the lungs, "
        "which Pneumo finds first."
    )


def show_models() -> None:
    """Show the installed models as a table, the default first, and what is damaged or missing."""
    say_what_is_missing()
    found, _ = list_checkpoints()
    if not found:
        return
    st.header("Models", anchor=False)
    strengths = best_for(found)
    rows = [_row(each, strengths[each.name]) for each in found]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        height="content",
        alt="The models with their test figures",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption("Read X-rays with", width="content")
        for each in found:
            label = plain(each.name) + (" (default)" if each is found[0] else "")
            st.page_link("pages/read.py", label=label, query_params={"checkpoint": each.name})
    st.caption(
        "Rates at the threshold of each model's default operating point, with 95 % intervals. "
        "“Best for” compares the models that were evaluated on the same X-rays. Validation figures "
        "are optimistic: the model was tuned on these X-rays. “In lungs”: the mean share of "
        "Grad-CAM inside the lungs, on validation X-rays with pneumonia."
    )


def show_dataset() -> None:
    """Show the dataset in use, or offer a way to get one."""
    st.header("Dataset", anchor=False)
    folder = dataset_in_use()
    if folder is None:
        st.markdown("No dataset yet. Reading X-rays does not need one; evaluating and training do.")
        st.page_link("pages/data.py", label="Download or add a dataset", icon=":material/download:")
    elif not folder.exists():
        st.warning(f"PNEUMO_DATA is {plain(str(folder))}, which does not exist. Correct it.")
    else:
        st.markdown(f"**{plain(folder.stem)}** in `{folder}`")


def _row(checkpoint: Checkpoint, strengths: tuple[str, ...]) -> dict[str, Any]:
    card = checkpoint.card
    point, inside = card.operating_point(), card.inside_lungs.get("grad_cam")
    split = next((each for each in ("test", "val") if each in card.evaluation), None)
    figures = card.evaluation[split] if split else None
    name = {"test": "test", "val": "validation"}.get(split or "", "")
    return {
        "Model": checkpoint.name,
        "Best for": ", ".join(strengths),
        "X-rays": f"{figures.n} {name}" if figures else "none yet",
        "AUC": str(figures.auc) if figures else "",
        "Sensitivity": str(figures.sensitivity) if figures else "",
        "Specificity": str(figures.specificity) if figures else "",
        "Threshold": format_rate(point.threshold),
        "In lungs": "" if inside is None else f"{inside * 100:.0f} %",
        "Architecture": card.architecture.removeprefix("mean of "),
    }


@st.cache_resource(show_spinner=False)
def _sample_picture() -> bytes | None:
    """Return the sample chest X-ray as a JPEG with the lungs outlined."""
    path = next((each.path for each in samples() if each.title == "Chest"), None)
    if path is None:
        return None
    radiograph = read_radiograph(path)
    pixels = display_pixels(radiograph.pixels, _SIDE)
    height, width = pixels.shape[:2]
    picture = Image.fromarray((255 * pixels).round().astype("uint8")).convert("RGB")
    draw = ImageDraw.Draw(picture)
    for line in find_lungs(radiograph).outline():
        draw.line([(x * width, y * height) for x, y in line], fill="#f2a33a", width=2)
    return jpeg(np.asarray(picture))
