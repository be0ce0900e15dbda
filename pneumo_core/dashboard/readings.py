"""What the library says of films, kept so that a rerun costs nothing.

Networks are shared by everyone on this server; what comes from a film belongs to one session and
goes with it. What is kept is frozen, so none of it is copied.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.dashboard.films import Film
from pneumo_core.data import Radiograph, read_radiograph
from pneumo_core.errors import UnreadableFilm
from pneumo_core.heatmaps import HeatMap
from pneumo_core.pictures import display_pixels
from pneumo_core.reading import Reader, Reading, open_reader

__all__ = ["film_pixels", "heat_map", "radiograph_of", "read_films"]

_PATIENCE = 0.4
"""Seconds of reading before a progress bar appears."""

Progress: TypeAlias = Callable[[int, int], None]


def read_films(films: Sequence[Film], checkpoint: Checkpoint, point: str) -> list[Reading]:
    """A reading of each film, whatever it holds, in the order of ``films``.

    A film is read once per checkpoint; another operating point asks no network.
    Shows how far it is when that takes a while. Raises UnknownName or CheckpointError.
    """
    at = checkpoint.card.operating_point(point)
    with _shown_progress() as progress:
        readings = []
        for done, film in enumerate(films):
            progress(done, len(films))
            readings.append(_reading(film, checkpoint).at(at))
    return readings


def radiograph_of(film: Film) -> Radiograph:
    """The decoded film. Raises UnreadableFilm."""
    return _radiograph(film.key, film.name, film)


def film_pixels(film: Film) -> NDArray[np.float32]:
    """The film at the size for the browser, (h, w) in [0, 1]. Raises UnreadableFilm."""
    return _pixels(film.key, film.name, film)


def heat_map(film: Film, checkpoint: Checkpoint, label: int) -> HeatMap:
    """Grad-CAM of the evidence for ``label``."""
    return _heat(film.key, film.name, checkpoint.name, checkpoint.card.version, label, film)


def _reading(film: Film, checkpoint: Checkpoint) -> Reading:
    return _read(film.key, film.name, checkpoint.name, checkpoint.card.version, film)


@contextmanager
def _shown_progress() -> Iterator[Progress]:
    """A spinner, and for several films a bar with their count once a reader would wonder."""
    started = time.monotonic()
    place = st.empty()

    def report(done: int, total: int) -> None:
        if total > 1 and time.monotonic() - started > _PATIENCE:
            place.progress(done / total, text=f"Reading films: {done} of {total} done")

    with st.spinner("Reading"):
        yield report
    place.empty()


@st.cache_resource(max_entries=4, show_spinner=False)
def _reader(checkpoint: str, version: str) -> Reader:
    """Shared between sessions, which ``Reader`` allows. ``version`` tells new weights from old."""
    return open_reader(checkpoint)


@st.cache_resource(scope="session", max_entries=3, show_spinner=False)
def _radiograph(key: str, name: str, _film: Film) -> Radiograph:
    """Read-only, so it need not be copied; few, since a film may take 100 MB."""
    return read_radiograph(_film.contents(), name=name)


@st.cache_data(scope="session", max_entries=12, show_spinner=False)
def _pixels(key: str, name: str, _film: Film) -> NDArray[np.float32]:
    return display_pixels(radiograph_of(_film).pixels)


@st.cache_resource(scope="session", max_entries=5000, show_spinner=False)
def _read(key: str, name: str, checkpoint: str, version: str, _film: Film) -> Reading:
    reader = _reader(checkpoint, version)
    try:
        return reader.read(radiograph_of(_film))
    except UnreadableFilm as error:
        return reader.failed(error)


@st.cache_resource(scope="session", max_entries=200, show_spinner=False)
def _heat(key: str, name: str, checkpoint: str, version: str, label: int, _film: Film) -> HeatMap:
    return _reader(checkpoint, version).heat_map(radiograph_of(_film), label)
