"""What the library says of films, kept so that a rerun costs nothing.

Networks are shared by everyone on this server; what comes from a film belongs to one session and
goes with it. What is kept is frozen, so none of it is copied.
"""

import time
from collections.abc import Iterator, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.actions import record_readings
from pneumo_core.app.memory import kept
from pneumo_core.app.reading_room.batch_reading import Answer, Question, answers, decoded
from pneumo_core.app.reading_room.worklist import Film, Item, Worklist, by_film, waiting
from pneumo_core.app.words import time_left_text
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.core.progress import Progress
from pneumo_core.errors import UnreadableFilm
from pneumo_core.explanations import HeatMap
from pneumo_core.imaging import FilmValues, Radiograph, read_values
from pneumo_core.reading import Reader, Reading, open_reader

__all__ = [
    "heat_map",
    "layers_of",
    "radiograph_of",
    "read_waiting",
    "reader_of",
    "say_progress",
    "values_of",
]

_AT_ONCE = 0.8
"""Seconds of reading between two looks at the whole page, so that it fills while it reads."""


def say_progress(worklist: Worklist, chosen: Checkpoint, others: Sequence[Checkpoint]) -> None:
    """A place for the progress bar with a Stop button while films wait; or a way to go on."""
    left = waiting(worklist, chosen, others)
    if not left:
        st.session_state.pop("pace", None)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.empty()
        if worklist.stopped:
            bar.markdown(f"Stopped with {_left_text(left, chosen)} left to read.", width="stretch")
            st.button(
                "Read on", icon=":material/play_arrow:", on_click=_stop, args=(worklist, False)
            )
        else:
            st.session_state["bar"] = bar
            _draw(bar, left, chosen)
            st.button("Stop", icon=":material/stop:", on_click=_stop, args=(worklist, True))


def read_waiting(worklist: Worklist, chosen: Checkpoint, others: Sequence[Checkpoint]) -> None:
    """Read for a while what waits, then run the page again; nothing when all is read or stopped.

    Stands at the page's end: a click meanwhile interrupts it between two films.
    """
    left = waiting(worklist, chosen, others)
    if not left or worklist.stopped:
        return
    bar = st.session_state["bar"]
    until = time.monotonic() + _AT_ONCE
    said: list[tuple[Film, Reading]] = []
    try:
        while left and time.monotonic() < until:
            for answer in _answers(worklist, left, chosen):
                worklist.put_down(answer.film, answer.readings, answer.thumbnail)
                if not worklist.own.hides(answer.film.key):
                    said += [(answer.film, reading) for reading in answer.readings]
            left = waiting(worklist, chosen, others)
            _draw(bar, left, chosen)
    finally:  # a click ends it between two films
        record_readings(said)
    st.rerun()


def reader_of(checkpoint: Checkpoint) -> Reader:
    """The checkpoint's reader at its default operating point. Raises CheckpointError."""
    return _reader(checkpoint.name, checkpoint.card.version)


def radiograph_of(film: Film, reading: Reading | None = None) -> Radiograph:
    """The decoded film, rotated where that was asked for; with a reading, as it was read.

    Raises UnreadableFilm.
    """
    if reading is not None and reading.inverted:
        return kept("corrected", film.key, lambda: reading.as_read(radiograph_of(film)), most=2)
    # Few, since a decoded film may take 100 MB.
    return kept("films", film.key, lambda: decoded(film), most=3)


def values_of(film: Film) -> FilmValues:
    """The film before any window. Raises UnreadableFilm."""

    def values() -> FilmValues:
        return read_values(film.source, name=film.name).turned(film.quarters)

    return kept("values", film.key, values, most=2)


def layers_of(checkpoint: Checkpoint) -> tuple[str, ...]:
    """The layers a heat map can be taken at."""
    return _layers(checkpoint.name, checkpoint.card.version)


def heat_map(
    item: Item,
    checkpoint: Checkpoint,
    label: int,
    method: str,
    layer: str | None,
    progress: Progress | None = None,
) -> HeatMap:
    """Where the evidence for ``label`` in a film came from. Raises UnreadableFilm."""
    who = (item.film.key, checkpoint.name, checkpoint.card.version, label, method, layer)

    def compute() -> HeatMap:
        radiograph = radiograph_of(item.film, item.reading)
        return reader_of(checkpoint).heat_map(
            radiograph, label, method=method, layer=layer, progress=progress
        )

    return kept("heat maps", who, compute)


def _answers(
    worklist: Worklist, left: Sequence[tuple[Film, Checkpoint]], chosen: Checkpoint
) -> Iterator[Answer]:
    """What is said of the first films that wait, as many as may well be read at a time."""
    at_once = reader_of(chosen).runtime.callers
    films = by_film(left)[:at_once]
    alone = len(films) == 1
    yield from answers([_question(worklist, *each, chosen, alone=alone) for each in films], at_once)


def _question(
    worklist: Worklist,
    film: Film,
    checkpoints: Sequence[Checkpoint],
    chosen: Checkpoint,
    *,
    alone: bool,
) -> Question:
    readers = {each.name: reader_of(each) for each in checkpoints}
    if not alone:  # a single film's networks have all cores
        readers = {name: reader.single for name, reader in readers.items()}
    return Question(
        film,
        readers.pop(chosen.name, None),
        tuple(readers.values()),
        decoded=_on_screen(film) if film.key == worklist.opened else None,
        picture=film.key not in worklist.thumbnails,
    )


def _on_screen(film: Film) -> Radiograph | None:
    """The film that is looked at, decoded once for the screen and for all who read it."""
    try:
        return radiograph_of(film)
    except UnreadableFilm:
        return None  # whoever reads it says why


def _draw(bar: DeltaGenerator, left: Sequence[tuple[Film, Checkpoint]], chosen: Checkpoint) -> None:
    """The bar at this pace. What is left of the chosen checkpoint comes first."""
    own = [film for film, checkpoint in left if checkpoint.name == chosen.name]
    stage = "own" if own else "others"
    remaining = len(own) if own else len(left)
    pace = st.session_state.get("pace")
    if pace is None or pace[0] != stage or remaining > pace[1]:
        pace = (stage, remaining, time.monotonic())
        st.session_state["pace"] = pace
    _, total, started = pace
    what = "Reading films" if own else "Asking the other models"
    told = time_left_text(total - remaining, total, time.monotonic() - started)
    bar.progress((total - remaining) / max(1, total), text=f"{what}: {told}", width="stretch")


def _left_text(left: Sequence[tuple[Film, Checkpoint]], chosen: Checkpoint) -> str:
    own = sum(checkpoint.name == chosen.name for _, checkpoint in left)
    films = "1 film" if own == 1 else f"{own} films"
    return films if own else f"{len(left)} opinions of other models"


def _stop(worklist: Worklist, stopped: bool) -> None:
    worklist.stopped = stopped
    st.session_state.pop("pace", None)


@st.cache_resource(max_entries=8, show_spinner=False)
def _reader(checkpoint: str, version: str) -> Reader:
    """Shared between sessions, which ``Reader`` allows. ``version`` tells new weights from old."""
    return open_reader(checkpoint)


@st.cache_resource(max_entries=8, show_spinner=False)
def _layers(checkpoint: str, version: str) -> tuple[str, ...]:
    from pneumo_core.explanations import layers  # torch comes with it: only for who looks at a map

    return layers(_reader(checkpoint, version).runtime)
