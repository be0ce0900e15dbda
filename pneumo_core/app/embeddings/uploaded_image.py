"""An own X-ray on the map: its place, its neighbours, how unusual it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.evaluate.error_images import show_images
from pneumo_core.app.memory import cached
from pneumo_core.app.reading_room.cached_readings import radiograph_of, reader_of
from pneumo_core.app.reading_room.uploads import my_worklist
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.core.settings import settings
from pneumo_core.embeddings import (
    OUTCOMES,
    Features,
    Neighbours,
    Projection,
    image_features,
    input_of_layer,
    nearest,
)
from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging import Radiograph, read_radiograph

__all__ = ["Placed", "choose_own_image", "show_own_image"]

Floats = NDArray[np.float32]

_OPEN = "own film pop-up"
_OWN = "own film on the map"
"""Session key of the X-ray on the map; it stays there while another page is open."""
_SAME = 0.02
"""Below this share of the second distance the nearest X-ray counts as the same one."""
_BOXES = "own film boxes"
"""Session key of the number of times that the boxes were emptied."""


@dataclass(frozen=True)
class _Own:
    """An X-ray of the reading list, or, with its content, an uploaded one."""

    key: str
    name: str
    content: bytes | None = None

    def read(self) -> Radiograph:
        """Decode an upload. Raises UnreadableImage."""
        return read_radiograph(self.content or b"", name=self.name)


@dataclass(frozen=True, eq=False)
class Placed:
    """Features of an uploaded X-ray in the last map's layer, and its point on each map."""

    values: Floats
    points: tuple[Floats, ...]
    exact: bool

    @classmethod
    def on(cls, maps: Sequence[tuple[Features, Projection]], values: Sequence[Floats]) -> "Placed":
        """Place an X-ray, given its features (D,) in each map's layer, on every map."""
        pairs = zip(maps, values, strict=True)
        points = tuple(at.place(each[np.newaxis])[0] for (_, at), each in pairs)
        return cls(values[-1], points, all(at.method == "pca" for _, at in maps))


def choose_own_image(
    checkpoint: Checkpoint, layers: Sequence[Features], place: DeltaGenerator
) -> tuple[Floats, ...]:
    """Ask for an X-ray, uploaded or on the reading list; return its features in each layer.

    ``place`` gets the button. Empty until there is an X-ray that can be read.
    """
    with place.popover(
        "Place your own X-ray", icon=":material/add_location:", key=_OPEN, on_change="rerun"
    ):
        found = _chosen_film()
    if found is None:
        return ()
    key, radiograph = found
    reader = reader_of(checkpoint)
    reading = reader.read(radiograph)
    for sentence in (*reading.reasons, *reading.warnings):
        st.warning(plain(sentence), icon=":material/warning:")
    if reading.status != "read":
        return ()
    seen = reading.as_read(radiograph)

    def look(layer: str) -> Floats:
        film = input_of_layer(reader.runtime, layer)(seen)
        return image_features(reader.runtime, film, layer)

    return tuple(
        cached(
            "own films",
            (key, each.key),
            lambda layer=each.layer: look(layer),  # type: ignore[misc]
            most=8,
        )
        for each in layers
    )


def _chosen_film() -> tuple[str, Radiograph] | None:
    """Ask for an upload, or an X-ray of the reading list; return a cache key and the X-ray."""
    worklist = my_worklist()
    shown = {key: film for key, film in worklist.films.items() if not worklist.own.hides(key)}
    names = {key: film.name for key, film in shown.items()}
    boxes = st.session_state.setdefault(_BOXES, 0)
    if names:
        _offer_list(names, f"own film from list {boxes}", st.session_state.get(_OWN))
    _offer_upload("Or upload one" if names else "A chest X-ray", f"own film {boxes}")
    own: _Own | None = st.session_state.get(_OWN)
    if own is None or (own.content is None and own.key not in shown):
        if not names:
            st.caption("X-rays on your list of the page Read X-rays can be chosen here, too.")
        return None
    try:
        if own.content is None:
            found = radiograph_of(shown[own.key])
        else:
            found = cached("own pixels", own.key, own.read, most=1)
    except UnreadableImage as error:
        st.warning(plain(str(error)), icon=":material/error:")
        return None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"On the map: {plain(own.name)}")
        st.button("Take it off the map", on_click=_place, args=(None,))
    return own.key, found


def _offer_list(names: Mapping[str, str], key: str, own: _Own | None) -> None:
    def take() -> None:
        picked = st.session_state[key]
        _place(_Own(picked, names[picked]) if picked else None)

    options = [None, *names]
    st.selectbox(
        "An X-ray that you are reading",
        options,
        options.index(own.key) if own and own.key in names else 0,
        format_func=lambda each: names[each] if each else "none",
        key=key,
        on_change=take,
    )


def _offer_upload(label: str, key: str) -> None:
    def take() -> None:
        upload = st.session_state[key]
        _place(_Own(upload.file_id, upload.name, upload.getvalue()) if upload else None)

    st.file_uploader(
        label,
        key=key,
        on_change=take,
        max_upload_size=max(1, settings().max_file_bytes // 1_000_000),
        help="Stays in this session's memory.",
    )


def _place(own: _Own | None) -> None:
    """Put an X-ray on the map, or take it off; close the pop-up, which would cover the result."""
    st.session_state[_OWN] = own
    st.session_state[_OPEN] = False
    st.session_state[_BOXES] += 1  # empty again: what is on the map is said below them


def show_own_image(
    placed: Placed, features: Features, films: pd.DataFrame, checkpoint: str
) -> None:
    """Show the nearest X-rays, and how near they are compared with the others' neighbours."""
    near = nearest(features.values, placed.values)
    how = "exactly" if placed.exact else "approximately"
    rows = features.table.iloc[near.rows].assign(distance=near.distances.round(3))
    same = _is_on_the_map(near)
    told = (
        f"It is on the map already: {plain(rows['id'].iloc[0])}." if same else _alike(near.nearer)
    )
    st.markdown(
        f"**Your X-ray**, {plain(st.session_state[_OWN].name)}, is the star, placed {how}. {told}"
    )
    if st.button("Take it off the map", key="take off", icon=":material/close:", type="tertiary"):
        _place(None)
        st.rerun()
    st.markdown("Its nearest X-rays:")
    if "outcome" in films:
        rows = rows.assign(error=_errors(films["outcome"].iloc[near.rows]))
    if "probability" not in rows:
        rows = rows.assign(probability=float("nan"))
    show_images(rows, checkpoint, key="near own", ordered=True)


def _is_on_the_map(near: Neighbours) -> bool:
    """Return whether the nearest X-ray is the same one: its distance is next to nothing."""
    return len(near.distances) > 1 and near.distances[0] < _SAME * near.distances[1]


def _alike(nearer: float) -> str:
    """Say how unusual an X-ray is; ``nearer``: the share that lie closer to a neighbour."""
    if nearer == 0:
        return (
            "Its nearest neighbour is closer than any other X-ray's: it may be on the map already."
        )
    share = f"{100 * nearer:.0f} %" if nearer >= 0.01 else "fewer than 1 %"
    said = "It is unlike the others" if nearer > 0.95 else "It is not unusual"
    return f"{said}: {share} of the X-rays on the map lie closer to their nearest neighbour."


def _errors(outcomes: "pd.Series[str]") -> list[str]:
    """Return the errors among these outcomes, "" if the prediction is correct."""
    errors = {OUTCOMES["fn"], OUTCOMES["fp"]}
    return [each if each in errors else "" for each in outcomes]
