"""Results, decoded X-rays and heat maps, cached so that a rerun costs nothing.

Networks are shared by all sessions; whatever is computed from an X-ray belongs to one session and
is dropped with it. Cached objects are frozen, so they are not copied.
"""

import time
from collections.abc import Iterator, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pneumo_core.app.audit_log import record_readings
from pneumo_core.app.memory import cached
from pneumo_core.app.reading_room.batch_reading import Answer, Question, answers, decode
from pneumo_core.app.reading_room.worklist import Film, Item, Worklist, by_image, waiting
from pneumo_core.app.words import time_left_text
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.core.progress import Progress
from pneumo_core.errors import UnreadableImage
from pneumo_core.explanations import HeatMap
from pneumo_core.imaging import PixelValues, Radiograph, read_values
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
"""Seconds between two redraws of the page while X-rays are being read."""


def say_progress(worklist: Worklist, chosen: Checkpoint, others: Sequence[Checkpoint]) -> None:
    """Reserve space for the progress bar and its Stop button, or offer to continue."""
    left = waiting(worklist, chosen, others)
    if not left:
        st.session_state.pop("pace", None)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        bar = st.empty()
        if worklist.stopped:
            bar.markdown(f"Stopped: {_left_text(left, chosen)} left to read.", width="stretch")
            st.button(
                "Continue", icon=":material/play_arrow:", on_click=_stop, args=(worklist, False)
            )
        else:
            st.session_state["bar"] = bar
            _draw(bar, left, chosen)
            st.button("Stop", icon=":material/stop:", on_click=_stop, args=(worklist, True))


def read_waiting(worklist: Worklist, chosen: Checkpoint, others: Sequence[Checkpoint]) -> None:
    """Read waiting X-rays for a while, then rerun the page; do nothing when done or stopped.

    Call it at the end of the page: a click interrupts it between two X-rays.
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
    finally:  # a click ends it between two X-rays
        record_readings(said)
    st.rerun()


def reader_of(checkpoint: Checkpoint) -> Reader:
    """Return the checkpoint's reader at its default operating point. Raises CheckpointError."""
    return _reader(checkpoint.name, checkpoint.card.version)


def radiograph_of(film: Film, reading: Reading | None = None) -> Radiograph:
    """Return the decoded X-ray, rotated if asked; given a reading, as it was read.

    Raises UnreadableImage.
    """
    if reading is not None and reading.inverted:
        return cached("corrected", film.key, lambda: reading.as_read(radiograph_of(film)), most=2)
    # Only a few: a decoded X-ray may take 100 MB.
    return cached("films", film.key, lambda: decode(film), most=3)


def values_of(film: Film) -> PixelValues:
    """Return the pixel values before windowing. Raises UnreadableImage."""

    def values() -> PixelValues:
        return read_values(film.source, name=film.name).turned(film.quarters)

    return cached("values", film.key, values, most=2)


def layers_of(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the layers that a heat map can be computed at."""
    return _layers(checkpoint.name, checkpoint.card.version)


def heat_map(
    item: Item,
    checkpoint: Checkpoint,
    label: int,
    method: str,
    layer: str | None,
    progress: Progress | None = None,
) -> HeatMap:
    """Return the heat map of the evidence for ``label``. Raises UnreadableImage."""
    who = (item.film.key, checkpoint.name, checkpoint.card.version, label, method, layer)

    def compute() -> HeatMap:
        radiograph = radiograph_of(item.film, item.reading)
        return reader_of(checkpoint).heat_map(
            radiograph, label, method=method, layer=layer, progress=progress
        )

    return cached("heat maps", who, compute)


def _answers(
    worklist: Worklist, left: Sequence[tuple[Film, Checkpoint]], chosen: Checkpoint
) -> Iterator[Answer]:
    """Read as many of the first waiting X-rays as fit into one step.

    The session's first result does not wait for the other models to be opened.
    """
    if not worklist.said(chosen):
        yield from answers([_question(worklist, left[0][0], [chosen], chosen, alone=True)], 1)
        return
    at_once = reader_of(chosen).runtime.callers
    films = by_image(left)[:at_once]
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
    if not alone:  # a single X-ray's networks have all cores
        readers = {name: reader.single for name, reader in readers.items()}
    return Question(
        film,
        readers.pop(chosen.name, None),
        tuple(readers.values()),
        decoded=_on_screen(film) if film.key == worklist.opened else None,
        picture=film.key not in worklist.thumbnails,
    )


def _on_screen(film: Film) -> Radiograph | None:
    """Return the open X-ray, decoded once for the viewer and all models."""
    try:
        return radiograph_of(film)
    except UnreadableImage:
        return None  # the reader reports the reason


def _draw(bar: DeltaGenerator, left: Sequence[tuple[Film, Checkpoint]], chosen: Checkpoint) -> None:
    """Draw the progress bar; the chosen model is counted first."""
    own = [film for film, checkpoint in left if checkpoint.name == chosen.name]
    stage = "own" if own else "others"
    remaining = len(own) if own else len(left)
    pace = st.session_state.get("pace")
    if pace is None or pace[0] != stage or remaining > pace[1]:
        pace = (stage, remaining, time.monotonic())
        st.session_state["pace"] = pace
    _, total, started = pace
    what = "Reading X-rays" if own else "Running the other models"
    told = time_left_text(total - remaining, total, time.monotonic() - started)
    bar.progress((total - remaining) / max(1, total), text=f"{what}: {told}", width="stretch")


def _left_text(left: Sequence[tuple[Film, Checkpoint]], chosen: Checkpoint) -> str:
    own = sum(checkpoint.name == chosen.name for _, checkpoint in left)
    films = "1 X-ray" if own == 1 else f"{own} X-rays"
    return films if own else f"{len(left)} results of other models"


def _stop(worklist: Worklist, stopped: bool) -> None:
    worklist.stopped = stopped
    st.session_state.pop("pace", None)


@st.cache_resource(max_entries=8, show_spinner=False)
def _reader(checkpoint: str, version: str) -> Reader:
    """Return a reader shared by all sessions. ``version`` is part of the cache key."""
    return open_reader(checkpoint)


@st.cache_resource(max_entries=8, show_spinner=False)
def _layers(checkpoint: str, version: str) -> tuple[str, ...]:
    from pneumo_core.explanations import layers  # imports torch, needed for heat maps only

    return layers(_reader(checkpoint, version).runtime)
