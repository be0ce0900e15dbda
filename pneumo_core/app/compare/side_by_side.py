"""The same X-rays read by several models, side by side."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pneumo_core.app.audit_log import record_readings
from pneumo_core.app.memory import cached
from pneumo_core.app.reading_room.cached_readings import radiograph_of, reader_of
from pneumo_core.app.reading_room.worklist import Film, Worklist
from pneumo_core.app.widgets.lungs_caption import show_share_inside_lungs
from pneumo_core.app.words import agreement_text, plain
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import LABELS, NORMAL, PNEUMONIA
from pneumo_core.errors import UnreadableImage
from pneumo_core.explanations import METHODS, HeatMap, evidence_strength, overlap, scale_of
from pneumo_core.imaging import colour_scale, display_pixels, jpeg, overlay
from pneumo_core.metrics import format_rate
from pneumo_core.reading import Reading

__all__ = ["show_side_by_side"]

_SIDE = 560
_MAX_IMAGES = 6
_FILMS = "films side by side"
_OPACITY = 0.5


def show_side_by_side(checkpoints: Sequence[Checkpoint], worklist: Worklist) -> None:
    """Show a row for each chosen X-ray: every model's result, probability and heat map."""
    names = {film.key: film.name for film in worklist.films.values()}
    _take_opened(worklist)
    chosen = st.multiselect(
        "X-rays on your list",
        list(names),
        format_func=names.__getitem__,
        max_selections=_MAX_IMAGES,
        key=_FILMS,
        help="The list of the Read page. Uploads on either page appear on both.",
    )
    if not chosen:
        st.info("Choose an X-ray, upload one above, or take a sample.", icon=":material/image:")
        return
    fast = [name for name, method in METHODS.items() if not method.slow]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = st.selectbox(
            "Method",
            fast,
            format_func=lambda name: METHODS[name].title,
            key="compared map",
            width=220,
        )
        label = st.segmented_control(
            "Evidence for",
            (PNEUMONIA, NORMAL),
            default=PNEUMONIA,
            required=True,
            format_func=LABELS.__getitem__,
            key="compared label",
        )
    films = [worklist.films[key] for key in chosen if not worklist.own.hides(key)]
    if len(films) < len(chosen):
        st.info(
            "X-rays awaiting your own call (Read first) appear here after it. Make the "
            "call on the page Read X-rays, or turn Read first off there.",
            icon=":material/visibility:",
        )
    if films:
        _show_rows(checkpoints, films, method, PNEUMONIA if label is None else int(label))
        worklist.own.told.update(film.key for film in films)


def _take_opened(worklist: Worklist) -> None:
    """Select an X-ray that was just added; drop those that left the list."""
    films = worklist.films
    there = _FILMS in st.session_state
    chosen = [key for key in st.session_state.get(_FILMS, []) if key in films]
    latest = worklist.opened or next(iter(films), None)
    new = not there or latest != st.session_state.get("last opened")
    if new and latest in films and latest not in chosen:
        chosen = [*chosen, str(latest)][-_MAX_IMAGES:]
    st.session_state["last opened"] = latest
    st.session_state[_FILMS] = chosen


def _show_rows(
    checkpoints: Sequence[Checkpoint], films: Sequence[Film], method: str, label: int
) -> None:
    readings = {film.key: [_read(film, each) for each in checkpoints] for film in films}
    record_readings([(film, said) for film in films for said in readings[film.key]])
    for film in films:
        st.markdown(f"**{plain(film.name)}**")
        told = readings[film.key]
        maps = []
        for n, column in enumerate(st.columns(len(checkpoints), gap="medium")):
            with column:
                maps.append(_show_one(film, told[n], checkpoints[n], method, label))
        _show_agreement(told, maps)
    scale = scale_of(method, label)
    st.image(jpeg(colour_scale(_OPACITY, scale)), width="stretch", alt="Colours of the map, 0 to 1")
    st.caption(_scale_text(method, label))


def _scale_text(method: str, label: int) -> str:
    if not METHODS[method].takes_label:
        return "Full strength is the strongest response of each model in each X-ray."
    return (
        f"Full strength is a probability of 1 for {LABELS[label]}: the strongest response of each "
        "model in each X-ray is drawn as strongly as its probability is high."
    )


def _show_one(
    film: Film,
    reading: Reading,
    checkpoint: Checkpoint,
    method: str,
    label: int,
) -> NDArray[np.float32] | None:
    """Show result, probability and heat map; return the map, None if it was not read."""
    st.caption(plain(checkpoint.name))
    st.markdown(f"**{reading.verdict}**")
    if reading.probability is None:
        for reason in reading.reasons:
            st.caption(plain(reason))
        return None
    st.caption(
        f"Probability {plain(format_rate(reading.probability))}; {plain(reading.operating_point)}: "
        f"PNEUMONIA at {format_rate(reading.threshold)} or higher"
    )
    pixels = display_pixels(radiograph_of(film, reading).pixels, _SIDE)
    shape = (pixels.shape[0], pixels.shape[1])
    made = _map(film, reading, checkpoint, method, label)
    heat = made.over(shape)
    drawn = heat * np.float32(evidence_strength(method, label, reading.probability))
    st.image(
        jpeg(overlay(pixels, drawn, _OPACITY, scale_of(method, label))),
        width="stretch",
        alt=f"{film.name} with {METHODS[method].title} by {checkpoint.name}",
    )
    if not heat.any():
        st.caption(f"No evidence for {LABELS[label]} found.")
    show_share_inside_lungs(made)
    return heat


def _show_agreement(
    readings: Sequence[Reading], maps: Sequence[NDArray[np.float32] | None]
) -> None:
    told = agreement_text(readings)
    if told:
        st.markdown(plain(told))
    shared = []
    for (n, one), (m, other) in combinations(enumerate(maps), 2):
        if one is not None and other is not None and (one.any() or other.any()):
            names = f"{readings[n].model} and {readings[m].model}"
            shared.append(f"{plain(names)} {overlap(one, other):.2f}")
    if shared:
        st.caption(f"Overlap of the heat maps (0 none, 1 identical): {'; '.join(shared)}.")


def _read(film: Film, checkpoint: Checkpoint) -> Reading:
    def read() -> Reading:
        reader = reader_of(checkpoint)
        try:
            return reader.read(radiograph_of(film))
        except UnreadableImage as error:
            return reader.failed(error)

    return cached("compared", (film.key, checkpoint.name, checkpoint.card.version), read, most=100)


def _map(film: Film, reading: Reading, checkpoint: Checkpoint, method: str, label: int) -> HeatMap:
    who = (film.key, checkpoint.name, checkpoint.card.version, label, method, None)
    return cached(
        "heat maps",
        who,
        lambda: reader_of(checkpoint).heat_map(radiograph_of(film, reading), label, method=method),
    )
