"""The viewer: view tools in the browser, the file's windows on the server.

The X-ray is sent once per window, at full resolution, under an address derived from its contents;
heat maps and lines are layers above it.
"""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.memory import cached
from pneumo_core.app.reading_room.beside import Beside
from pneumo_core.app.reading_room.cached_readings import radiograph_of, values_of
from pneumo_core.app.reading_room.display_options import layers_over, lung_outline
from pneumo_core.app.reading_room.reader_calls import Marks
from pneumo_core.app.reading_room.window_presets import AS_READ, OWN, apply_preset, preset_names
from pneumo_core.app.reading_room.worklist import Film
from pneumo_core.app.streamlit_patches import address_of
from pneumo_core.app.widgets.lungs_caption import show_share_inside_lungs
from pneumo_core.app.words import plain
from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging import jpeg
from pneumo_core.reports import Overlay

if TYPE_CHECKING:
    from streamlit.components.v2.types import ComponentRenderer

__all__ = ["show_image"]

Own = tuple[float, float]


def show_image(
    film: Film,
    look: Overlay | None,
    *,
    title: str = "",
    inverted: bool = False,
    marks: Marks = (),
    on_mark: Callable[[str, Any], None] | None = None,
    beside: Callable[[], Beside | None] | None = None,
) -> None:
    """Show the X-ray with its overlay and window; nothing if it could not be decoded.

    ``title``: its name for a screen reader. ``inverted``: the X-ray was inverted, and is read and
    shown corrected. ``marks``: the reader's; ``on_mark`` gets the X-ray's key and its marks when
    they change, and without it they can't be. ``beside`` asks for a second, linked view.
    """
    try:
        radiograph_of(film)
    except UnreadableImage:
        return  # the result says so
    place = st.container()
    preset, own, second = _choose_window(film, beside)
    with place:
        first, other = st.columns(2, gap="small") if second else (place, place)
    with first:
        _component()(
            key="viewer",
            data=_view(film, look, title or film.name, inverted, preset, own)
            | {"marks": [list(each) for each in marks], "marking": on_mark is not None},
            default={"marks": None},
            on_marks_change=partial(_marked, on_mark),
        )
    if second:
        _show_second(other, second)


def _show_second(place: DeltaGenerator, second: Beside) -> None:
    try:
        view = _view(second.film, second.look, second.title, second.inverted, AS_READ, None)
    except UnreadableImage:
        place.caption(f"{plain(second.title)} could not be read.")
        return
    with place:
        _component()(
            key="viewer beside",
            data=view | {"marks": [], "marking": False},
            default={"marks": None},
            on_marks_change=lambda: None,
        )
        st.caption(plain(second.title))
        if second.look:
            show_share_inside_lungs(second.look.heat)


def _view(
    film: Film, look: Overlay | None, title: str, inverted: bool, preset: str, own: Own | None
) -> dict[str, Any]:
    """Return what the browser draws. Raises UnreadableImage."""
    radiograph = radiograph_of(film)
    facts = radiograph.facts
    layers = layers_over(look, (facts.height, facts.width))
    return {
        "id": film.key,
        "film": address_of(_picture(film, preset, own), "image/jpeg"),
        "alt": "The X-ray under the heat map" if look else "The X-ray",
        "label": f"{title}: zoom with + and -, move with the arrow keys, "
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
    }


def _marked(on_mark: Callable[[str, Any], None] | None) -> None:
    """Hand over the marks that the browser sent, as {"id": key of the X-ray, "points": pairs}."""
    sent = st.session_state["viewer"].get("marks")
    if on_mark and sent:
        on_mark(sent["id"], sent["points"])


def _choose_window(
    film: Film, beside: Callable[[], Beside | None] | None
) -> tuple[str, Own | None, Beside | None]:
    """Show the facts of the file, and ask for a window and a second view."""
    facts = radiograph_of(film).facts
    told = [facts.format, f"{facts.width} × {facts.height} pixels"]
    if facts.modality:
        told.append(plain(facts.modality))
    with st.container(horizontal=True, vertical_alignment="center", key="tone"):
        preset = st.selectbox(
            "Window",
            preset_names(facts),
            key=f"window {film.key}",
            width=165,
            label_visibility="collapsed",
            help="Changes the display only, not what the model reads.",
        )
        second = beside() if beside else None
        st.caption(" · ".join(told), width="content")
    return preset or AS_READ, _choose_own(film) if preset == OWN else None, second


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
