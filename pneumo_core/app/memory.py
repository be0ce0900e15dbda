"""Caches: one per session, which can be cleared, and one shared by all sessions."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import streamlit as st
from cachetools import LRUCache

__all__ = ["cached", "cached_for_all", "forget", "known_of"]

T = TypeVar("T")

_KEPT = "cached"
_SHELVES = 16
"""Largest number of shared caches."""


@dataclass(frozen=True)
class _Shelf:
    """A thread-safe least-recently-used cache for values of one kind."""

    things: LRUCache[Hashable, Any]
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Hashable, compute: Callable[[], T]) -> T:
        """Return the cached value, or compute it without holding the lock."""
        with self.lock:
            if key in self.things:
                found: T = self.things[key]
                return found
        computed = compute()
        with self.lock:
            self.things[key] = computed
        return computed


def cached(shelf: str, key: Hashable, compute: Callable[[], T], *, most: int = 1000) -> T:
    """Return a value from this session's cache, or compute it; least recently used values go.

    Unlike Streamlit's caches it lets ``compute`` draw progress, and can be cleared as a whole.
    """
    shelves: dict[str, _Shelf] = st.session_state.setdefault(_KEPT, {})
    return shelves.setdefault(shelf, _Shelf(LRUCache(most))).get(key, compute)


def cached_for_all(shelf: str, key: Hashable, compute: Callable[[], T], *, most: int) -> T:
    """Return a value from the cache of all sessions, or compute it. Nothing private goes here.

    The least recently used values are dropped.
    """
    return _shelf(shelf, most).get(key, compute)


def known_of(thing: object, name: str, compute: Callable[[], T]) -> T:
    """Return what was computed from this very object before in this session, or compute it.

    Only the last object is remembered under each ``name``: for what reruns of one page repeat.
    """
    place = f"known {name}"
    last = st.session_state.get(place)
    if last is None or last[0] is not thing:
        last = st.session_state[place] = (thing, compute())
    found: T = last[1]
    return found


@st.cache_resource(max_entries=_SHELVES, show_spinner=False)
def _shelf(name: str, most: int) -> _Shelf:
    """Return the shared cache of a name."""
    return _Shelf(LRUCache(most))


def forget() -> None:
    """Clear this session's cache, and the feature maps of its X-rays."""
    from pneumo_core.inference import forget_answers  # slow import; the frame of a page comes first

    st.session_state.pop(_KEPT, None)
    forget_answers()
