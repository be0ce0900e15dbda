"""A film of one's own on the map: where it falls, what lies near, how unlike the others it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pneumo_core.analysis import Features, Projection, film_features, nearest, side_of
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.dashboard.memory import kept
from pneumo_core.dashboard.reading_room.readings import reader_of
from pneumo_core.dashboard.words import plain
from pneumo_core.data import read_radiograph, to_input
from pneumo_core.errors import UnreadableFilm

__all__ = ["Placed", "choose_own_film", "show_own_film"]

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Placed:
    """A film's features in the last map's layer, and its point on it."""

    values: Floats
    points: tuple[Floats, ...]
    exact: bool

    @classmethod
    def on(cls, maps: Sequence[tuple[Features, Projection]], values: Floats) -> "Placed | None":
        """Placed on a single map; a pair has two layers, and only one of them is asked for."""
        if len(maps) != 1:
            return None
        _, projection = maps[0]
        point = projection.place(values[np.newaxis])[0]
        return cls(values, (point,), projection.method == "pca")


def choose_own_film(checkpoint: Checkpoint, features: Features) -> Floats | None:
    """An uploader; the uploaded film's features in this layer, once there is one."""
    with st.expander("Put your own film on the map", icon=":material/add_location:"):
        upload = st.file_uploader(
            "A chest film", key="own film", help="Stays in this session's memory."
        )
    if upload is None:
        return None
    content = upload.getvalue()
    try:
        radiograph = read_radiograph(content, name=upload.name)
    except UnreadableFilm as error:
        st.warning(plain(str(error)), icon=":material/error:")
        return None
    reader = reader_of(checkpoint)
    reading = reader.read(radiograph)
    for sentence in (*reading.reasons, *reading.warnings):
        st.warning(plain(sentence), icon=":material/warning:")
    if reading.status != "read":
        return None
    film = to_input(reading.as_read(radiograph).pixels, side_of(reader.runtime, features.layer))
    key = (upload.file_id, features.key)
    return kept(
        "own films", key, lambda: film_features(reader.runtime, film, features.layer), most=4
    )


def show_own_film(placed: Placed, features: Features, films: pd.DataFrame) -> None:
    """How near the nearest films are, compared with the others' own neighbours."""
    near = nearest(features.values, placed.values)
    how = "exactly" if placed.exact else "approximately"
    unlike = "Few are so far from all others" if near.nearer > 0.95 else "That is usual here"
    st.markdown(
        f"**Your film** is the star, placed {how}. Its nearest film lies at "
        f"{near.distances[0]:.3f}; {near.nearer:.0%} of the films here have a nearer neighbour. "
        f"{unlike}."
    )
    columns = [c for c in ("id", "label", "outcome", "subtype") if c in films]
    table = films.iloc[near.rows][columns].assign(distance=near.distances.round(3))
    st.dataframe(table, hide_index=True, alt="The films nearest to yours.")
