"""Audit logging for the dashboard. A failing log never blocks the user; a warning is shown."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from pneumo_core.app.memory import cached
from pneumo_core.app.sign_in import person
from pneumo_core.app.words import plain
from pneumo_core.audit import Deed, Entry, image_digest, open_log
from pneumo_core.errors import AuditError

if TYPE_CHECKING:  # slow imports; the frame of every page comes first
    from pneumo_core.app.reading_room.worklist import Film
    from pneumo_core.reading import Reading

__all__ = [
    "digest_of",
    "logged_export",
    "record",
    "record_done",
    "record_readings",
    "say_unrecorded",
]

_TROUBLE, _TOLD = "log trouble", "logged readings"


def record_done(deed: Deed, **facts: Any) -> bool:
    """Log an action of the current person; False if it fails. ``facts``: fields of ``Entry``."""
    return record([Entry(who=person().name, deed=deed, **facts)])


def record(entries: Sequence[Entry]) -> bool:
    """Add entries to the log; False if it fails, and then every page shows a warning."""
    try:
        open_log().record(entries)
    except AuditError as refused:
        st.session_state[_TROUBLE] = str(refused)
        return False
    if entries:
        st.session_state.pop(_TROUBLE, None)
    return True


def record_readings(readings: Sequence[tuple["Film", "Reading"]]) -> None:
    """Log results shown to the current person, skipping those that are in the log already."""
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
    """Return the digest by which the log names an X-ray; "" if its file is gone."""

    def taken() -> str:
        try:
            return image_digest(film.source)
        except OSError:
            return ""

    return cached("digests", film.key, taken)


def logged_export(make: Callable[[], bytes], **facts: Any) -> Callable[[], bytes]:
    """Wrap a download so that it is logged as "exported" when the browser fetches it.

    The download runs outside the page, so the current person is looked up now.
    """
    return partial(_made, make, Entry(who=person().name, deed="exported", **facts))


def _made(make: Callable[[], bytes], entry: Entry) -> bytes:
    made = make()
    record([entry])
    return made


def say_unrecorded() -> None:
    """Show a warning if the last action could not be logged."""
    if trouble := st.session_state.get(_TROUBLE):
        told = f"Actions are not being logged. {plain(trouble)}"
        st.warning(told, icon=":material/history_toggle_off:")
