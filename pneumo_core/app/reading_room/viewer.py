"""The viewer: view tools in the browser, the file's windows on the server.

The X-ray is sent once per window, at full resolution, under an address derived from its contents;
heat maps and lines are layers above it.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from pneumo_core.app.memory import cached
from pneumo_core.app.reading_room.cached_readings import radiograph_of, values_of
from pneumo_core.app.reading_room.display_options import layers_over, lung_outline
from pneumo_core.app.reading_room.window_presets import AS_READ, OWN, apply_preset, preset_names
from pneumo_core.app.reading_room.worklist import Film
from pneumo_core.app.streamlit_patches import address_of
from pneumo_core.app.words import plain
from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging import jpeg
from pneumo_core.reports import Overlay

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

__all__ = ["show_image"]

Own = tuple[float, float]


def show_image(
    film: Film, look: Overlay | None, *, title: str = "", inverted: bool = False
) -> None:
    """Show the X-ray with its overlay and window; nothing if it could not be decoded.

    ``title``: its name for a screen reader. ``inverted``: the X-ray was inverted, and is read and
    shown corrected.
    """
    try:
        radiograph = radiograph_of(film)
    except UnreadableImage:
        return  # the result says so
    place = st.container()
    preset, own = _choose_window(film)
    facts = radiograph.facts
    layers = layers_over(look, (facts.height, facts.width))
    with place:
        _component()(
            key="viewer",
            data={
                "id": film.key,
                "film": address_of(_picture(film, preset, own), "image/jpeg"),
                "alt": "The X-ray under the heat map" if look else "The X-ray",
                "label": f"{title or film.name}: zoom with + and -, move with the arrow keys, "
                "0 to reset, ? for all keys",
                "width": facts.width,
                "height": facts.height,
                "spacing": facts.pixel_spacing_mm,
                "invert": inverted,
                "heat": address_of(layers.heat, "image/png") if layers.heat else None,
                "heat_grid": layers.grid,
                "opacity": layers.opacity,
                "lines": layers.lines,
                "lungs": cached("lungs", film.key, lambda: lung_outline(radiograph)),
                "unsaved": film.link is None,
            },
        )


def _choose_window(film: Film) -> tuple[str, Own | None]:
    """Show the facts of the file, and ask for a window."""
    facts = radiograph_of(film).facts
    told = [facts.format, f"{facts.width} × {facts.height} pixels"]
    if facts.modality:
        told.append(plain(facts.modality))
    with st.container(horizontal=True, vertical_alignment="center", key="tone"):
        preset = st.selectbox(
            "Window",
            preset_names(facts),
            key=f"window {film.key}",
            width=185,
            label_visibility="collapsed",
            help="Changes the display only, not what the model reads.",
        )
        st.caption(" · ".join(told), width="content")
    return preset or AS_READ, _choose_own(film) if preset == OWN else None


def _choose_own(film: Film) -> Own:
    """Ask for level and width of a window, in the X-ray's pixel values."""
    values = values_of(film)
    span, start = values.full_range(), values.percentiles()
    lowest, highest = span.center - span.width / 2, span.center + span.width / 2
    step = span.width / 200
    with st.container(horizontal=True):
        level = st.slider("Level", lowest, highest, start.center, step, key=f"level {film.key}")
        width = st.slider("Width", step, span.width, start.width, step, key=f"width {film.key}")
    return level - width / 2, level + width / 2


def _picture(film: Film, preset: str, own: Own | None) -> bytes:
    """Return the windowed X-ray as a JPEG at full resolution."""

    def draw() -> bytes:
        radiograph = radiograph_of(film)
        if preset == AS_READ:
            return jpeg(radiograph.pixels)
        return jpeg(apply_preset(radiograph, values_of(film), preset, own))

    return cached("pictures", (film.key, preset, own), draw, most=8)


@cache
def _asset(name: str) -> str:
    return Path(__file__).with_name(f"viewer.{name}").read_text(encoding="utf-8")


def _component() -> "ComponentRenderer":
    return st.components.v2.component(
        "pneumo_viewer", html=_asset("html"), css=_asset("css"), js=_asset("js")
    )
