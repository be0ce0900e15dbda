"""One film, what was said of it, and where the network looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.dashboard.films import Film
from pneumo_core.dashboard.readings import film_pixels, heat_map, radiograph_of
from pneumo_core.dashboard.words import count_text, plain
from pneumo_core.data import LABELS, NORMAL, PNEUMONIA
from pneumo_core.errors import UnreadableFilm
from pneumo_core.figures import probability_bar
from pneumo_core.heatmaps import HeatMap
from pneumo_core.pictures import colour_scale, overlay
from pneumo_core.reading import Reading

__all__ = ["Look", "choose_look", "pick_film", "show_film", "show_verdict"]

_ICONS = {
    "Signs of pneumonia likely": ":material/report:",
    "Signs of pneumonia unlikely": ":material/check_circle:",
    "Not read": ":material/block:",
}
_FULL_LIST = 3


@dataclass(frozen=True)
class Look:
    """A heat map to be laid over the film: of the evidence for ``label``, opacity in [0, 1]."""

    label: int
    opacity: float


def pick_film(films: Sequence[Film], readings: Sequence[Reading]) -> int:
    """A list of the films and their verdicts to pick one from; gives its row. None for one film."""
    if len(films) == 1:
        return 0
    with st.container(height="content" if len(films) <= _FULL_LIST else 260, border=True):
        row: int = st.radio(
            count_text([reading.status for reading in readings]),
            range(len(films)),
            format_func=lambda row: plain(films[row].name),
            captions=[_in_a_line(reading) for reading in readings],
            width="stretch",
        )
    return row


def show_verdict(reading: Reading) -> None:
    """The verdict in words, then the number, then who said so, then what to be careful about."""
    st.header(reading.verdict, anchor=False, icon=_ICONS.get(reading.verdict, ":material/help:"))
    for reason in reading.reasons:
        st.warning(plain(reason), icon=":material/error:")
    if reading.probability is None:
        return
    st.markdown(f"Probability of pneumonia **{reading.probability:.3f}**, calibrated")
    st.plotly_chart(
        probability_bar(reading.probability, reading.threshold, reading.operating_point),
        config={"staticPlot": True},
        alt=f"Probability {reading.probability:.3f} on a bar from 0 to 1; the operating point "
        f"{reading.operating_point} lies at {reading.threshold:.3f}.",
    )
    st.caption(
        f"Said by checkpoint {plain(reading.model)}, version {reading.version}, at its operating "
        f"point {plain(reading.operating_point)}: {reading.threshold:.3f} and above is called "
        f"{LABELS[PNEUMONIA]}."
    )
    for warning in reading.warnings:
        st.warning(plain(warning), icon=":material/warning:")


def choose_look(reading: Reading) -> Look | None:
    """Whether and how to show where the network looked; None for no."""
    if reading.label is None or not st.toggle("Show where it looked", key="look"):
        return None
    label = st.segmented_control(
        "Evidence for",
        (PNEUMONIA, NORMAL),
        default=reading.label,
        required=True,
        format_func=LABELS.__getitem__,
    )
    opacity = st.slider("Opacity of the map", 0.0, 1.0, 0.5, 0.05, format="percent", key="opacity")
    return Look(reading.label if label is None else label, opacity)


def show_film(film: Film, checkpoint: Checkpoint, look: Look | None) -> None:
    """The film, under the heat map where one is wanted; nothing for a file that isn't a film."""
    try:
        pixels = film_pixels(film)
    except UnreadableFilm:
        return  # its reading has said so
    if look is None:
        picture = overlay(pixels, np.zeros_like(pixels), 0.0)
        st.image(_jpeg(picture), width="stretch", alt="The film")
    else:
        heat = heat_map(film, checkpoint, look.label)
        picture = overlay(pixels, heat.over(pixels.shape), look.opacity)
        st.image(_jpeg(picture), width="stretch", alt="The film under the heat map")
        _explain(heat, look)
    facts = radiograph_of(film).facts
    told = (plain(film.name), facts.format, f"{facts.width} × {facts.height} pixels")
    st.caption(" · ".join(told))


def _explain(heat: HeatMap, look: Look) -> None:
    if not heat.values.any():
        st.info(f"{heat.method} found no evidence for {LABELS[heat.label]} in this film.")
        return
    st.image(_jpeg(colour_scale(look.opacity)), width="stretch", alt="Colours of the map, 0 to 1")
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.caption("0", width="content")
        st.caption("strongest evidence in this film", width="content")
    st.caption(
        f"{heat.method}: where this checkpoint's evidence for {LABELS[heat.label]} came from, "
        "scaled to this film's own maximum, so colours of two films don't compare. "
        "It does not outline disease."
    )


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    """A picture (H, W, 3) as a file that is a tenth of Streamlit's own."""
    file = BytesIO()
    Image.fromarray(picture).save(file, format="JPEG", quality=90)
    return file.getvalue()


def _in_a_line(reading: Reading) -> str:
    if reading.probability is None:
        return f"{reading.verdict}: {reading.status}"
    return f"{reading.verdict} · {reading.probability:.3f}"
