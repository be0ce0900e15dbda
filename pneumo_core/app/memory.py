"""What a session computed and keeps until its visitor forgets it, and what all sessions share."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st
from cachetools import LRUCache

__all__ = ["forget", "kept", "shared"]

T = TypeVar("T")

_KEPT = "kept"
_SHELVES = 16
"""Kinds of things that all sessions share, at most."""


@dataclass(frozen=True)
class _Shelf:
    """Things of one kind, the longest unused making room. Safe for several threads."""

    things: LRUCache[Hashable, Any]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """What is there for a key, else what is computed now, while nobody waits for it."""
        with self.lock:
            if key in self.things:
                found: T = self.things[key]
                return found
        computed = compute()
        with self.lock:
            self.things[key] = computed
        return computed


def kept(shelf: str, key: Hashable, compute: Callable[[], T], *, most: int = 1000) -> T:
    """What was computed for a key before in this session, or is now; the longest unused makes room.

    Unlike Streamlit's caches it lets ``compute`` draw its progress, and all of it can be forgotten
    at once.
    """
    shelves: dict[str, _Shelf] = st.session_state.setdefault(_KEPT, {})
    return shelves.setdefault(shelf, _Shelf(LRUCache(most))).get(key, compute)


def shared(shelf: str, key: Hashable, compute: Callable[[], T], *, most: int) -> T:
    """What anybody on this server computed for a key before, or is computed now; nothing private.

    The longest unused makes room.
    """
    return _shelf(shelf, most).get(key, compute)


@st.cache_resource(max_entries=_SHELVES, show_spinner=False)
def _shelf(name: str, most: int) -> _Shelf:
    """One shelf for each name, for all sessions."""
    return _Shelf(LRUCache(most))


def forget() -> None:
    """Take everything that was decoded and computed in this session out of memory."""
    from pneumo_core.inference import forget_answers  # the frame of a page comes before it

    st.session_state.pop(_KEPT, None)
    forget_answers()
