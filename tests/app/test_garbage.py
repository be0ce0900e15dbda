"""Garbage collection passes over what lives as long as the server, and misses no garbage."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from pneumo_core.app.garbage import exempt_living


class _Loop:
    def __init__(self) -> None:
        self.itself = self  # only the collector frees it


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_what_lives_is_not_looked_through_again() -> None:
    living = _Loop()
    assert any(each is living for each in gc.get_objects())
    exempt_living()
    assert not any(each is living for each in gc.get_objects())
    assert gc.get_freeze_count() > 10_000


def test_what_has_died_since_is_collected_the_next_time() -> None:
    living = _Loop()
    exempt_living()
    seen = weakref.ref(living)
    del living
    gc.collect()
    assert seen() is not None, "exempt"
    exempt_living()
    assert seen() is None
