"""What is done on the pages, told to the log. A log that refuses stops nobody, and is told of."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from pneumo_core.app.memory import kept
from pneumo_core.app.sign_in import person
from pneumo_core.app.words import plain
from pneumo_core.audit import Deed, Entry, film_digest, open_log
from pneumo_core.errors import AuditError

if TYPE_CHECKING:  # they take a while, and the frame of every page comes before them
    from pneumo_core.app.reading_room.worklist import Film
    from pneumo_core.reading import Reading

__all__ = ["digest_of", "done", "record", "record_readings", "recorded", "say_unrecorded"]

_TROUBLE, _TOLD = "log trouble", "told to the log"


def done(deed: Deed, **facts: Any) -> bool:
    """Whoever is here did this; False where the log refuses. ``facts``: fields of ``Entry``."""
    return record([Entry(who=person().name, deed=deed, **facts)])


def record(entries: Sequence[Entry]) -> bool:
    """Add entries to the log; False where it refuses, which the page says from then on."""
    try:
        open_log().record(entries)
    except AuditError as refused:
        st.session_state[_TROUBLE] = str(refused)
        return False
    if entries:
        st.session_state.pop(_TROUBLE, None)
    return True


def record_readings(readings: Sequence[tuple["Film", "Reading"]]) -> None:
    """Films and what was said of them to whoever is here; what the log has already is left out."""
    from pneumo_core.reading import entry_of

    told = st.session_state.setdefault(_TOLD, set())
    new = {}
    for film, reading in readings:
        key = (film.key, reading.model, reading.version, reading.threshold)
        if key not in told:
            new[key] = entry_of(reading, digest_of(film), person().name)
    if record(list(new.values())):
        told.update(new)


def digest_of(film: "Film") -> str:
    """By what the log calls a film, taken once a session; "" where its file is gone."""

    def taken() -> str:
        try:
            return film_digest(film.source)
        except OSError:
            return ""

    return kept("digests", film.key, taken)


def recorded(make: Callable[[], bytes], **facts: Any) -> Callable[[], bytes]:
    """The same, told to the log as "exported" by whoever is here when a browser fetches it.

    A download is made outside of any page, so who is here is asked now.
    """
    return partial(_made, make, Entry(who=person().name, deed="exported", **facts))


def _made(make: Callable[[], bytes], entry: Entry) -> bytes:
    made = make()
    record([entry])
    return made


def say_unrecorded() -> None:
    """A plain line where the last thing done here is not in the log."""
    if trouble := st.session_state.get(_TROUBLE):
        told = f"What is done here is not being recorded. {plain(trouble)}"
        st.warning(told, icon=":material/history_toggle_off:")
