"""The most similar normal training X-ray and the most similar one with pneumonia."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import streamlit as st

from pneumo_core.app.memory import cached
from pneumo_core.app.reading_room.cached_readings import radiograph_of, reader_of
from pneumo_core.app.reading_room.worklist import Item
from pneumo_core.app.widgets.dataset_choice import dataset_in_use
from pneumo_core.app.widgets.lungs_caption import show_share_inside_lungs
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import LABELS, NORMAL, PNEUMONIA
from pneumo_core.embeddings import Similar, TrainingImages, open_training_images
from pneumo_core.errors import DatasetError, UnreadableImage
from pneumo_core.explanations import METHODS, HeatMap, evidence_strength
from pneumo_core.imaging import Radiograph, display_pixels, jpeg, overlay
from pneumo_core.inference import dataset_for
from pneumo_core.reports import Overlay

__all__ = ["show_similar"]

_SIDE = 640
_HOW_TO_GET = (
    "This model's training X-rays are not on this machine, so no similar ones can be "
    "shown. Get the public set (doi 10.17632/rscbjbr9sj) with `pneumo data download "
    "chest_xray`, or set `PNEUMO_DATA` to its folder and start Pneumo again."
)


def show_similar(item: Item, checkpoint: Checkpoint, look: Overlay | None) -> None:
    """Show the most similar training X-ray of each label, with the same kind of heat map.

    Explains how to get the dataset if it is missing; computes features on demand.
    """
    data = dataset_in_use()
    if data is None:
        st.markdown(_HOW_TO_GET)
        return
    key = f"{checkpoint.name} {checkpoint.card.version} {data}"
    if not (st.session_state.get(key) or key in _shelf()):
        st.markdown(
            "The first time, the model has to process all its training X-rays, which takes "
            "seconds for a small network and minutes for a large one."
        )
        st.button("Find similar X-rays", on_click=_want, args=(key, True), type="primary")
        return
    try:
        films = _opened(checkpoint, data, key)
    except DatasetError as error:
        st.warning(plain(str(error)), icon=":material/error:")
        return
    runtime = reader_of(checkpoint).runtime
    pixels = runtime.input(radiograph_of(item.film, item.reading))
    features = runtime.run(pixels[None]).features[0]
    for column, label in zip(st.columns(2, gap="medium"), (NORMAL, PNEUMONIA), strict=True):
        with column:
            found = films.most_similar(features, label)
            if found is None:
                st.caption(f"No training X-ray is {LABELS[label]}.")
            else:
                _show(found, films, checkpoint, look)
    st.caption(
        "Nearest in the model's penultimate features, by cosine: similar to this network, "
        "not necessarily to a radiologist."
    )


def _show(
    found: Similar, films: TrainingImages, checkpoint: Checkpoint, look: Overlay | None
) -> None:
    title = f"{LABELS[found.label]}, the most similar training X-ray"
    try:
        radiograph = films.dataset.source.radiograph(found.id)
    except UnreadableImage as error:
        st.warning(plain(str(error)), icon=":material/error:")
        return
    pixels = display_pixels(radiograph.pixels, _SIDE)
    like = _overlay_like(look, found.id, radiograph, checkpoint) if look else None
    if like is None:
        picture = jpeg(pixels)
    else:
        heat = like.over((pixels.shape[0], pixels.shape[1]))
        picture = jpeg(overlay(pixels, heat, like.opacity, like.scale))
        title += f", with {METHODS[like.heat.method].title} for {LABELS[like.heat.label]}"
    st.image(picture, width="stretch", alt=title)
    st.caption(f"{title} (similarity {found.similarity:.2f}): {plain(found.id)}")
    if like:
        show_share_inside_lungs(like.heat)


def _overlay_like(
    look: Overlay, film_id: str, radiograph: Radiograph, checkpoint: Checkpoint
) -> Overlay:
    """Return a heat map of the same kind, scaled by this X-ray's own probability if asked."""
    like, reader = _heat_like(look.heat), reader_of(checkpoint)
    who = (film_id, checkpoint.name, checkpoint.card.version)
    heat = cached(
        "similar heat maps",
        (*who, *like.values()),
        lambda: reader.heat_map(radiograph, **like),
        most=50,
    )
    strength = None
    if look.strength is not None:
        reading = cached("similar readings", who, lambda: reader.read(radiograph), most=50)
        strength = evidence_strength(heat.method, heat.label, reading.probability or 0.0)
    return replace(look, heat=heat, strength=strength)


def _heat_like(heat: HeatMap) -> dict[str, Any]:
    """Return how to make a heat map of the same kind; None for slow methods."""
    if METHODS[heat.method].slow:
        return {"label": heat.label, "method": "grad_cam", "layer": None}
    return {"label": heat.label, "method": heat.method, "layer": heat.layer}


def _opened(checkpoint: Checkpoint, data: Path, key: str) -> TrainingImages:
    """Return the training X-rays' features, computed with a bar and a Cancel button."""
    shelf = _shelf()
    if key in shelf:
        return shelf[key]
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text="Processing training X-rays", width="stretch")
        st.button("Cancel", on_click=_want, args=(key, False), key="cancel similar")

    def report(done: int, total: int) -> None:
        told = f"Processing training X-rays: {done:,} of {total:,}"
        bar.progress(done / max(1, total), text=told)

    runtime = reader_of(checkpoint).runtime
    films = open_training_images(
        checkpoint, runtime, dataset_for(checkpoint, data), progress=report
    )
    shelf[key] = films
    place.empty()
    return films


def _want(key: str, wanted: bool) -> None:
    st.session_state[key] = wanted


@st.cache_resource
def _shelf() -> dict[str, TrainingImages]:
    """Return features shared by all sessions; a cached function could not draw the bar."""
    return {}
