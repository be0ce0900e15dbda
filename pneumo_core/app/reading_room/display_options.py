"""Heat map options: method, label, scale, drawing; and what its colours mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.memory import cached
from pneumo_core.app.reading_room.cached_readings import (
    heat_map,
    layers_of,
    radiograph_of,
    reader_of,
)
from pneumo_core.app.reading_room.worklist import Item
from pneumo_core.app.widgets.linked_choice import choose_toggle
from pneumo_core.app.widgets.lungs_caption import show_share_inside_lungs
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import LABELS, NORMAL, PNEUMONIA
from pneumo_core.explanations import METHODS, HeatMap, common_peaks, evidence_strength
from pneumo_core.imaging import Radiograph, colour_scale, contour_lines, heat_layer, jpeg, png
from pneumo_core.lungs import find_lungs, normal_polarity
from pneumo_core.metrics import format_rate
from pneumo_core.reading import Reading
from pneumo_core.reports import Overlay

if TYPE_CHECKING:
    from pneumo_core.explanations import SanityCheck

__all__ = ["Layers", "check_outcome", "choose_look", "explain_look", "layers_over", "lung_outline"]

_LOOK = "look"

Peaks = tuple[float, ...]

_FAINT = 0.1
"""The page says that a map is faint below this strength."""
_LONGEST = 640
"""Longer side of a heat map's picture in pixels; the browser smooths it."""

_GRID = 64
"""Cells along the longer side of the heat's coarse grid."""

_OWN_PLACE = "default layer"
_LEVELS = {0.5: "outer", 0.75: "inner"}
_PROBABILITY, _THIS_FILM, _ALL_FILMS = "Probability", "This X-ray", "All X-rays"
"""Scales of a heat map (what full colour stands for); the default first."""


@dataclass(frozen=True, eq=False)
class Layers:
    """Overlay of an X-ray: a PNG of the heat map (empty for none) and contour lines in [0, 1].

    ``grid``: the heat in 0 to 255 on a coarse grid, for the value under the pointer.
    """

    heat: bytes
    opacity: float
    lines: list[dict[str, str]]
    grid: dict[str, Any] | None = None


def layers_over(look: Overlay | None, shape: tuple[int, int]) -> Layers:
    """Return the overlay of an X-ray of shape (H, W); empty without options."""
    if look is None or not look.heat.found:
        return Layers(b"", 0.0, [])
    factor = min(1.0, _LONGEST / max(shape))
    heat = look.over((max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))))
    grid = _grid(heat)
    if not look.contour:
        return Layers(png(heat_layer(heat, look.scale)), look.opacity, [], grid)
    lines = [
        {"path": _path(line), "level": f"{_LEVELS[level]} {look.scale}"}
        for level, found in contour_lines(heat, tuple(_LEVELS)).items()
        for line in found
    ]
    return Layers(b"", 0.0, lines, grid)


def _grid(heat: NDArray[np.float32]) -> dict[str, Any]:
    step = max(1, max(heat.shape) // _GRID)
    cells = np.rint(255 * heat[step // 2 :: step, step // 2 :: step]).astype(int)
    return {"width": cells.shape[1], "height": cells.shape[0], "values": cells.ravel().tolist()}


def lung_outline(radiograph: Radiograph) -> list[dict[str, str]]:
    """Return the outline of the lungs as lines in [0, 1]; empty if no lungs were found."""
    lines = find_lungs(normal_polarity(radiograph)).outline()
    return [{"path": _path(line), "level": "lungs"} for line in lines]


def choose_look(
    item: Item, reading: Reading, checkpoint: Checkpoint, others: Sequence[Item]
) -> Overlay | None:
    """Show the heat map options and return the choice; None if it is off.

    Starts with evidence for PNEUMONIA, whatever was predicted, so that colours mean the same on
    every X-ray. ``others``: all X-rays on the list that were read, for the shared scale.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        if reading.probability is None or not choose_toggle("Show heat map", _LOOK, key=_LOOK):
            return None
        menu = st.popover("Options", icon=":material/tune:", key="look options", on_change="rerun")
        with menu:
            name, layer, label = _choose_evidence(item, checkpoint, listed=bool(menu.open))
            scaled_to = _choose_scale(others)
            drawn = st.segmented_control(
                "Drawn as", ("Colours", "Contour"), default="Colours", required=True, key="drawn"
            )
    method = METHODS[name]
    heat = _computed(item, checkpoint, label, name, layer)
    peaks = strength = None
    if scaled_to == _ALL_FILMS and not method.slow:
        peaks = _peaks_of(heat, checkpoint, others)
    elif scaled_to != _THIS_FILM and method.takes_label:
        strength = evidence_strength(name, label, reading.probability)
    opacity = 0.5
    if drawn != "Contour":
        opacity = st.slider("Opacity of the map", 0, 100, 50, 5, "%d %%", key="opacity") / 100
    return Overlay(
        heat, opacity=opacity, contour=drawn == "Contour", peaks=peaks, strength=strength
    )


def _choose_evidence(
    item: Item, checkpoint: Checkpoint, *, listed: bool
) -> tuple[str, str | None, int]:
    """Ask for the method, its layer (None: the default) and the label.

    ``listed``: the choice is on the screen, so the layers are needed.
    """
    name = st.selectbox(
        "Method", list(METHODS), format_func=lambda each: METHODS[each].title, key="method"
    )
    method = METHODS[name]
    layer = _choose_layer(checkpoint, listed=listed) if method.takes_layer else None
    st.caption(f"{plain(method.about)} ({plain(method.source)})")
    return name, layer, _choose_label(item) if method.takes_label else PNEUMONIA


def explain_look(look: Overlay, item: Item, checkpoint: Checkpoint) -> None:
    """Explain the colours or lines, and offer the sanity check."""
    heat, method = look.heat, METHODS[look.heat.method]
    if not heat.found:
        st.info(f"{method.title} found no evidence for {LABELS[heat.label]} in this X-ray.")
        return
    if look.contour:
        st.caption("Lines: half (dashed) and three quarters (solid) of full strength.")
    else:
        with st.container(horizontal=True, vertical_alignment="center", gap="small", key="colours"):
            st.caption("none", width="content")
            st.image(
                jpeg(colour_scale(look.opacity, look.scale)),
                width="stretch",
                alt="Colours of the map, from none to full strength",
            )
            st.caption("full strength", width="content")
    raise_what = f"raise the score for {LABELS[heat.label]}"
    shows = f"highlights regions that {raise_what}" if method.takes_label else "shows responses"
    st.caption(f"{method.title} {shows}. {plain(_scale_text(look))} It does not outline disease.")
    show_share_inside_lungs(heat)
    _offer_check(look, item, checkpoint)


def _scale_text(look: Overlay) -> str:
    """Return one or two sentences that explain full strength."""
    if look.peaks is not None:
        return "Full strength is the strongest response on the list, so a weak map stays weak."
    if look.strength is None:
        return (
            "Full strength is the strongest response in this X-ray, however weak it is, so colours "
            "are not comparable between X-rays."
        )
    label, strength = LABELS[look.heat.label], format_rate(look.strength)
    faint = ", so the map is faint" if look.strength < _FAINT else ""
    return f"Full strength means a probability of 1 for {label}; here it is {strength}{faint}."


def _choose_label(item: Item) -> int:
    label = st.segmented_control(
        "Evidence for",
        (PNEUMONIA, NORMAL),
        default=PNEUMONIA,
        required=True,
        format_func=LABELS.__getitem__,
        key=f"evidence {item.film.key}",
    )
    return PNEUMONIA if label is None else int(label)


def _choose_layer(checkpoint: Checkpoint, *, listed: bool) -> str | None:
    """Ask for a layer; the list, which needs PyTorch, is made once it is on the screen."""
    chosen = st.session_state.get("layer", _OWN_PLACE)
    known = listed or chosen != _OWN_PLACE
    layer = st.selectbox(
        "Layer",
        [_OWN_PLACE, *(layers_of(checkpoint) if known else ())],
        key="layer",
        help="Early layers see edges, late ones larger shapes. The default layer is the last "
        "convolution.",
    )
    return None if layer == _OWN_PLACE else layer


def _computed(
    item: Item, checkpoint: Checkpoint, label: int, method: str, layer: str | None
) -> HeatMap:
    """Return the heat map; a slow method shows a progress bar and a Cancel button."""
    if not METHODS[method].slow:
        return heat_map(item, checkpoint, label, method, layer)
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text=f"{METHODS[method].title}", width="stretch")
        st.button("Cancel", on_click=_back_to_fast, key="cancel look")

    def report(done: int, total: int) -> None:
        bar.progress(min(1.0, done / total), text=f"{METHODS[method].title}: {done:,} of {total:,}")

    heat = heat_map(item, checkpoint, label, method, layer, report)
    place.empty()
    return heat


def _back_to_fast() -> None:
    st.session_state["method"] = next(name for name, each in METHODS.items() if not each.slow)


def _choose_scale(others: Sequence[Item]) -> str:
    """Ask for the scale; "All X-rays" is offered only if there are several."""
    scales = [_PROBABILITY, _THIS_FILM, *([_ALL_FILMS] if len(others) > 1 else [])]
    if st.session_state.get("scale") not in scales:
        st.session_state.pop("scale", None)
    scale = st.segmented_control(
        "Scaled to",
        scales,
        default=_PROBABILITY,
        required=True,
        key="scale",
        help="Probability: the map fades with the probability of the label, so little evidence "
        "looks faint. This X-ray: its strongest response has full colour, however weak it is. All "
        "X-rays: the strongest response of the list has full colour (not for slow methods).",
    )
    return scale or _PROBABILITY


def _peaks_of(heat: HeatMap, checkpoint: Checkpoint, items: Sequence[Item]) -> Peaks:
    bar = st.progress(0.0, text="Comparing X-rays") if len(items) > 1 else None
    maps = []
    for done, item in enumerate(items):
        maps.append(heat_map(item, checkpoint, heat.label, heat.method, heat.layer))
        if bar:
            bar.progress((done + 1) / len(items), text=f"Comparing X-rays: {done + 1}")
    if bar:
        bar.empty()
    return common_peaks(maps)


def _offer_check(look: Overlay, item: Item, checkpoint: Checkpoint) -> None:
    """Run the weight-randomisation check on demand."""
    asked = _asked(look, item, checkpoint)
    if st.button(
        "Sanity check: randomise the weights",
        icon=":material/psychology_alt:",
        help="Shuffles the network's weights at random and compares the maps (Adebayo et al. 2018, "
        "arXiv:1810.03292). A map that stays the same reflects the image, not the model.",
    ):
        st.session_state["checked"] = asked
    if st.session_state.get("checked") != asked:
        return
    bar = st.progress(0.0, text="Computing maps with randomised weights")
    told = cached("checks", asked, lambda: _forgotten(look, item, checkpoint, bar), most=100)
    bar.empty()
    st.markdown(told.verdict)
    if told.similarity is not None:
        st.caption(
            f"Rank correlation with maps of {len(told.similarities)} randomised networks: "
            f"{told.similarity:.2f} (1 is the same map, 0 is unrelated)."
        )


def check_outcome(look: Overlay, item: Item, checkpoint: Checkpoint) -> str:
    """Return the outcome of the heat map's sanity check; "" if it was not run."""
    asked = _asked(look, item, checkpoint)
    if st.session_state.get("checked") != asked:
        return ""
    told = cached("checks", asked, lambda: _forgotten(look, item, checkpoint, st.empty()), most=100)
    return told.verdict.replace("**", "")


def _asked(look: Overlay, item: Item, checkpoint: Checkpoint) -> tuple[object, ...]:
    """Return what identifies a sanity check."""
    heat = look.heat
    version = checkpoint.card.version
    return item.film.key, checkpoint.name, version, heat.method, heat.layer, heat.label


def _forgotten(
    look: Overlay, item: Item, checkpoint: Checkpoint, bar: DeltaGenerator
) -> "SanityCheck":
    from pneumo_core.explanations import run_sanity_check

    runtime, heat = reader_of(checkpoint).runtime, look.heat
    pixels = runtime.input(radiograph_of(item.film, item.reading))

    def report(done: int, total: int) -> None:
        bar.progress(min(1.0, done / total), text="Computing maps with randomised weights")

    return run_sanity_check(
        runtime, pixels, heat.label, method=heat.method, layer=heat.layer, progress=report
    )


def _path(line: NDArray[np.float64]) -> str:
    """Return an SVG path through points (n, 2)."""
    return "M" + "L".join(f"{x:.4f},{y:.4f}" for x, y in line)
