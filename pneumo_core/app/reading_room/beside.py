"""A second view beside the X-ray: without its heat map, another model's, or another X-ray."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from pneumo_core.app.reading_room.cached_readings import heat_map
from pneumo_core.app.reading_room.worklist import Film, Item
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.explanations import METHODS, evidence_strength
from pneumo_core.reading import Reading
from pneumo_core.reports import Overlay

__all__ = ["Beside", "choose_beside"]

_NOTHING = "One view"
_BARE = "Beside it: no heat map"
_MOST = 50
"""X-rays that are offered; more would make the list too long to use."""


@dataclass(frozen=True, eq=False)
class Beside:
    """What the second view shows."""

    film: Film
    look: Overlay | None
    title: str
    inverted: bool = False


def choose_beside(
    item: Item, look: Overlay | None, panel: Sequence[Checkpoint], items: Sequence[Item]
) -> Beside | None:
    """Ask for a second view; None for one view. Zoom, place and window of both are linked.

    ``panel``: the other models, offered with a heat map; ``items``: the X-rays of the list, of
    which those that wait for the reader's call are not offered.
    """
    models = {f"Beside it: {each.name}": each for each in panel if look and _opinion(item, each)}
    others = [each for each in items if each is not item and not each.hidden][:_MOST]
    films = {f"Beside it: {each.title} ({each.number + 1})": each for each in others}
    names = [_NOTHING, *([_BARE] if look else []), *models, *films]
    if len(names) == 1 or item.hidden:
        return None
    if st.session_state.get("beside") not in names:
        st.session_state.pop("beside", None)
    chosen = st.selectbox(
        "Second view",
        names,
        key="beside",
        width=165,
        label_visibility="collapsed",
        help="Zoom, position, rotation and window of both views move together.",
    )
    if chosen == _BARE:
        return Beside(item.film, None, f"{item.title}, without heat map", _inverted(item))
    if chosen in models and look:
        model = models[chosen]
        return Beside(
            item.film,
            _heat_of(look, item, model),
            f"{item.title}, heat map of {plain(model.name)}",
            _inverted(item),
        )
    if chosen in films:
        return Beside(films[chosen].film, None, films[chosen].title, _inverted(films[chosen]))
    return None


def _heat_of(look: Overlay, item: Item, model: Checkpoint) -> Overlay:
    """Return another model's heat map of the same kind, scaled by that model's probability.

    Slow methods, whose maps take a minute, are replaced by Grad-CAM.
    """
    method = "grad_cam" if METHODS[look.heat.method].slow else look.heat.method
    heat = heat_map(item, model, look.heat.label, method, None)
    opinion, strength = _opinion(item, model), None
    if look.strength is not None and opinion is not None:
        strength = evidence_strength(method, heat.label, opinion.probability or 0.0)
    return replace(look, heat=heat, strength=strength, peaks=None)


def _opinion(item: Item, model: Checkpoint) -> Reading | None:
    said = (each for each in item.opinions if each.model == model.name)
    return next((each for each in said if each.probability is not None), None)


def _inverted(item: Item) -> bool:
    return item.reading is not None and item.reading.inverted
