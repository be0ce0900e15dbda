"""An uploaded X-ray on the map: its place, its neighbours, how unusual it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pneumo_core.app.memory import kept
from pneumo_core.app.reading_room.cached_readings import reader_of
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.embeddings import Features, Projection, film_features, input_of_layer, nearest
from pneumo_core.errors import UnreadableFilm
from pneumo_core.imaging import read_radiograph

__all__ = ["Placed", "choose_own_film", "show_own_film"]

Floats = NDArray[np.float32]


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


def choose_own_film(checkpoint: Checkpoint, layers: Sequence[Features]) -> tuple[Floats, ...]:
    """Show an uploader; return the X-ray's features in each layer once there is one."""
    with st.expander("Put your own X-ray on the map", icon=":material/add_location:"):
        upload = st.file_uploader(
            "A chest X-ray", key="own film", help="Stays in this session's memory."
        )
    if upload is None:
        return ()
    content = upload.getvalue()
    try:
        radiograph = read_radiograph(content, name=upload.name)
    except UnreadableFilm as error:
        st.warning(plain(str(error)), icon=":material/error:")
        return ()
    reader = reader_of(checkpoint)
    reading = reader.read(radiograph)
    for sentence in (*reading.reasons, *reading.warnings):
        st.warning(plain(sentence), icon=":material/warning:")
    if reading.status != "read":
        return ()
    seen = reading.as_read(radiograph)

    def look(layer: str) -> Floats:
        film = input_of_layer(reader.runtime, layer)(seen)
        return film_features(reader.runtime, film, layer)

    return tuple(
        kept(
            "own films",
            (upload.file_id, each.key),
            lambda layer=each.layer: look(layer),  # type: ignore[misc]
            most=8,
        )
        for each in layers
    )


def show_own_film(placed: Placed, features: Features, films: pd.DataFrame) -> None:
    """Show the nearest X-rays, and how near they are compared with the others' neighbours."""
    near = nearest(features.values, placed.values)
    how = "exactly" if placed.exact else "approximately"
    unlike = "Few are this far from all others" if near.nearer > 0.95 else "That is typical here"
    st.markdown(
        f"**Your X-ray** is the star, placed {how}. Its nearest X-ray lies at "
        f"{near.distances[0]:.3f}; {near.nearer:.0%} of the X-rays here have a nearer neighbour. "
        f"{unlike}."
    )
    columns = [c for c in ("id", "label", "outcome", "subtype") if c in films]
    table = films.iloc[near.rows][columns].assign(distance=near.distances.round(3))
    st.dataframe(table, hide_index=True, alt="The X-rays nearest to yours.")
