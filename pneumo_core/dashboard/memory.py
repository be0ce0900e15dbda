"""What a session computed and keeps until its visitor forgets it, and what all sessions share."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import streamlit as st

__all__ = ["forget", "kept", "shared"]

T = TypeVar("T")

_KEPT = "kept"


def kept(shelf: str, key: Hashable, compute: Callable[[], T], *, most: int = 1000) -> T:
    """What was computed for a key before in this session, or is now; the longest unused makes room.

    Unlike Streamlit's caches it lets ``compute`` draw its progress, and all of it can be forgotten
    at once.
    """
    things: dict[Hashable, T] = st.session_state.setdefault(_KEPT, {}).setdefault(shelf, {})
    found = things.pop(key) if key in things else compute()
    things[key] = found
    while len(things) > most:
        del things[next(iter(things))]
    return found


def shared(shelf: str, key: Hashable, compute: Callable[[], T], *, most: int) -> T:
    """What anybody on this server computed for a key before, or is computed now; nothing private.

    The longest unused makes room.
    """
    things = _shelf(shelf)
    found = things.pop(key) if key in things else compute()
    things[key] = found
    while len(things) > most:
        things.pop(next(iter(things)), None)
    return found


@st.cache_resource
def _shelf(name: str) -> dict[Hashable, Any]:
    """One dictionary for each name, for all sessions."""
    return {}


def forget() -> None:
    """Take everything that was decoded and computed in this session out of memory."""
    st.session_state.pop(_KEPT, None)
