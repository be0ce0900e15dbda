"""What sessions share is bounded and safe for threads; what one session keeps goes with it."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import streamlit as st
from cachetools import LRUCache

from pneumo_core.app import memory
from pneumo_core.app.memory import _Shelf, cached, cached_for_all, forget


@pytest.fixture(autouse=True)
def _session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(st, "session_state", {})


def test_the_longest_unused_makes_room() -> None:
    shelf = _Shelf(LRUCache(2))
    for key in "abac":
        shelf.get(key, lambda key=key: key.upper())  # type: ignore[misc]
    assert set(shelf.things) == {"a", "c"}


def test_many_threads_share_a_small_shelf() -> None:
    shelf = _Shelf(LRUCache(3))
    begin = threading.Barrier(8)

    def work(thread: int) -> None:
        begin.wait()
        for turn in range(500):
            key = (thread + turn) % 7
            assert shelf.get(key, lambda key=key: key * 10) == key * 10  # type: ignore[misc]
            assert len(shelf.things) <= 3

    with ThreadPoolExecutor(8) as several:
        list(several.map(work, range(8)))


def test_what_fails_to_be_computed_is_computed_anew() -> None:
    def fail() -> int:
        raise ValueError("stopped")

    with pytest.raises(ValueError, match="stopped"):
        cached_for_all("a shelf of this test", 1, fail, most=2)
    assert cached_for_all("a shelf of this test", 1, lambda: 5, most=2) == 5
    assert cached_for_all("a shelf of this test", 1, fail, most=2) == 5


def test_a_session_forgets_what_it_kept_and_the_maps_of_its_films(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    monkeypatch.setattr("pneumo_core.inference.forget_answers", lambda: told.append("forgotten"))
    assert cached("films", 1, lambda: "decoded") == "decoded"
    assert cached("films", 1, lambda: "again") == "decoded"
    forget()
    assert told == ["forgotten"]
    assert cached("films", 1, lambda: "again") == "again"
    assert memory._KEPT in st.session_state
