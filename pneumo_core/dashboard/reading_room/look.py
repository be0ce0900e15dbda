"""Where the network looked: off until asked for, and honest about its scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.dashboard.memory import kept
from pneumo_core.dashboard.reading_room.readings import (
    heat_map,
    layers_of,
    radiograph_of,
    reader_of,
)
from pneumo_core.dashboard.reading_room.worklist import Item
from pneumo_core.dashboard.words import plain
from pneumo_core.data import LABELS, NORMAL, PNEUMONIA
from pneumo_core.heatmaps import METHODS, HeatMap, common_peaks
from pneumo_core.pictures import colour_scale, contour_lines, heat_layer, jpeg, png
from pneumo_core.reading import Reading
from pneumo_core.reports import Overlay

if TYPE_CHECKING:
    from pneumo_core.heatmaps import Forgotten

__all__ = ["Layers", "choose_look", "explain_look", "layers_over"]

_LOOK = "look"

Peaks = tuple[float, ...]

_LONGEST = 640
"""Pixels of the longer side of a map's layer: maps are coarse, the browser smooths the rest."""

_OWN_PLACE = "the method's own"
_LEVELS = {0.5: "outer", 0.75: "inner"}


@dataclass(frozen=True, eq=False)
class Layers:
    """What lies over a film: a PNG of the heat (empty for none), and lines in [0, 1] of it."""

    heat: bytes
    opacity: float
    lines: list[dict[str, str]]


def layers_over(look: Overlay | None, shape: tuple[int, int]) -> Layers:
    """The layers that a viewer draws over a film of (H, W); none without a look."""
    if look is None or not look.heat.found:
        return Layers(b"", 0.0, [])
    factor = min(1.0, _LONGEST / max(shape))
    heat = look.over((max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))))
    if not look.contour:
        return Layers(png(heat_layer(heat)), look.opacity, [])
    lines = [
        {"path": _path(line), "level": _LEVELS[level]}
        for level, found in contour_lines(heat, tuple(_LEVELS)).items()
        for line in found
    ]
    return Layers(b"", 0.0, lines)


def _wanted() -> bool:
    """A toggle that the query parameter ``look`` leads when the page opens, and follows after."""
    wanted = st.toggle("Show where it looked", st.query_params.get(_LOOK) == "1", key=_LOOK)
    if wanted:
        st.query_params[_LOOK] = "1"
    else:
        st.query_params.pop(_LOOK, None)
    return wanted


def choose_look(
    item: Item, reading: Reading, checkpoint: Checkpoint, others: Sequence[Item]
) -> Overlay | None:
    """Whether and how to show where the network looked; None for no.

    ``others``: every film on the list that was read, for the scale that they share.
    """
    if reading.label is None:
        return None
    if not _wanted():
        return None
    what, where = st.columns(2, gap="small")
    name = what.selectbox(
        "Method", list(METHODS), format_func=lambda each: METHODS[each].title, key="method"
    )
    method = METHODS[name]
    with where:
        layer = _choose_layer(checkpoint) if method.takes_layer else None
    st.caption(f"{plain(method.about)} ({plain(method.source)})")
    with st.container(horizontal=True, gap="medium"):
        label = _choose_label(reading) if method.takes_label else reading.label
        to_all = _choose_scale(others) and not method.slow
        drawn = st.segmented_control(
            "Drawn as", ("Colours", "Contour"), default="Colours", required=True, key="drawn"
        )
    heat = _computed(item, checkpoint, label, name, layer)
    peaks = _peaks_of(heat, checkpoint, others) if to_all else None
    opacity = 0.5
    if drawn != "Contour":
        opacity = st.slider("Opacity of the map", 0, 100, 50, 5, "%d %%", key="opacity") / 100
    return Overlay(heat, opacity=opacity, contour=drawn == "Contour", peaks=peaks)


def explain_look(look: Overlay, item: Item, checkpoint: Checkpoint) -> None:
    """What the colours or lines mean, and the check whether the map depends on the weights."""
    heat, method = look.heat, METHODS[look.heat.method]
    if not heat.found:
        st.info(f"{method.title} found no evidence for {LABELS[heat.label]} in this film.")
        return
    whose = "in this film" if look.peaks is None else "in all films of the list"
    if look.contour:
        st.caption(
            f"Lines: half (dashed) and three quarters (solid) of the strongest response {whose}."
        )
    else:
        st.image(
            jpeg(colour_scale(look.opacity)), width="stretch", alt="Colours of the map, 0 to 1"
        )
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.caption("0", width="content")
            st.caption(f"the strongest {whose}", width="content")
    what = f"evidence for {LABELS[heat.label]}" if method.takes_label else "strongest responses"
    scale = (
        "scaled to this film's own maximum, so colours of two films don't compare"
        if look.peaks is None
        else "scaled to the maximum of the films on the list, so a weak map stays weak"
    )
    st.caption(
        f"{method.title}: where this checkpoint's {what} came from, {scale}. "
        "It does not outline disease."
    )
    _offer_check(look, item, checkpoint)


def _choose_label(reading: Reading) -> int:
    label = st.segmented_control(
        "Evidence for",
        (PNEUMONIA, NORMAL),
        default=reading.label,
        required=True,
        format_func=LABELS.__getitem__,
        key=f"evidence {reading.file} {reading.label}",
    )
    return int(reading.label or 0) if label is None else int(label)


def _choose_layer(checkpoint: Checkpoint) -> str | None:
    layer = st.selectbox(
        "Layer",
        [_OWN_PLACE, *layers_of(checkpoint)],
        key="layer",
        help="Early layers see edges, late ones larger shapes. The method's own place is the "
        "last convolution.",
    )
    return None if layer == _OWN_PLACE else layer


def _computed(
    item: Item, checkpoint: Checkpoint, label: int, method: str, layer: str | None
) -> HeatMap:
    """The map; a slow one shows how far it is and can be left with a button."""
    if not METHODS[method].slow:
        return heat_map(item, checkpoint, label, method, layer)
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text=f"{METHODS[method].title}", width="stretch")
        st.button("Cancel", on_click=_back_to_fast, key="cancel look")

    def report(done: int, total: int) -> None:
        bar.progress(min(1.0, done / total), text=f"{METHODS[method].title}: {done} of {total}")

    heat = heat_map(item, checkpoint, label, method, layer, report)
    place.empty()
    return heat


def _back_to_fast() -> None:
    st.session_state["method"] = next(name for name, each in METHODS.items() if not each.slow)


def _choose_scale(others: Sequence[Item]) -> bool:
    """Whether the map is scaled to all films of the list, not to this one."""
    if len(others) < 2:
        return False
    scale = st.segmented_control(
        "Scaled to",
        ("This film", "All films"),
        default="This film",
        required=True,
        key="scale",
        help="A weak map stretched to full colour misleads. Scaled to all films on the list, full "
        "colour is the strongest response in any of them. Slow methods have this film's scale.",
    )
    return scale == "All films"


def _peaks_of(heat: HeatMap, checkpoint: Checkpoint, items: Sequence[Item]) -> Peaks:
    bar = st.progress(0.0, text="Comparing films") if len(items) > 1 else None
    maps = []
    for done, item in enumerate(items):
        maps.append(heat_map(item, checkpoint, heat.label, heat.method, heat.layer))
        if bar:
            bar.progress((done + 1) / len(items), text=f"Comparing films: {done + 1}")
    if bar:
        bar.empty()
    return common_peaks(maps)


def _offer_check(look: Overlay, item: Item, checkpoint: Checkpoint) -> None:
    """The weight-randomisation check, on demand."""
    heat = look.heat
    version = checkpoint.card.version
    asked = (item.film.key, checkpoint.name, version, heat.method, heat.layer, heat.label)
    if st.button(
        "Does it change when the network forgets?",
        icon=":material/psychology_alt:",
        help="Redraws the network's weights at random and compares the maps (Adebayo et al. 2018, "
        "arXiv:1810.03292). A map that stays the same shows the film, not what was learned.",
    ):
        st.session_state["checked"] = asked
    if st.session_state.get("checked") != asked:
        return
    bar = st.progress(0.0, text="Asking networks that forgot")
    told = kept("checks", asked, lambda: _forgotten(look, item, checkpoint, bar), most=100)
    bar.empty()
    st.markdown(told.verdict)
    if told.similarity is not None:
        st.caption(
            f"Rank correlation with maps of {len(told.similarities)} networks that forgot: "
            f"{told.similarity:.2f} (1 is the same map, 0 is unrelated)."
        )


def _forgotten(
    look: Overlay, item: Item, checkpoint: Checkpoint, bar: DeltaGenerator
) -> "Forgotten":
    from pneumo_core.heatmaps import forgets

    runtime, heat = reader_of(checkpoint).runtime, look.heat
    pixels = runtime.input(radiograph_of(item.film, item.reading))

    def report(done: int, total: int) -> None:
        bar.progress(min(1.0, done / total), text="Asking networks that forgot")

    return forgets(
        runtime, pixels, heat.label, method=heat.method, layer=heat.layer, progress=report
    )


def _path(line: NDArray[np.float64]) -> str:
    """An SVG path through points (n, 2)."""
    return "M" + "L".join(f"{x:.4f},{y:.4f}" for x, y in line)
