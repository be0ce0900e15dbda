"""Garbage collection passes over what lives, and what has died since is collected in time."""

import gc
import sys
import types
import weakref
from collections.abc import Iterator

import pytest

from pneumo_core.app import garbage
from pneumo_core.app.garbage import Exemption


class _Loop:
    def __init__(self) -> None:
        self.itself = self  # only the collector frees it


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    gc.freeze()  # as conftest leaves it


def is_looked_through(thing: object) -> bool:
    return any(each is thing for each in gc.get_objects())


def test_what_lives_is_not_looked_through_again() -> None:
    living, exemption = _Loop(), Exemption()
    assert is_looked_through(living)
    exemption.renew(closed=False)
    assert not is_looked_through(living)


@pytest.mark.parametrize("reason", ["none", "closed", "module", "time"])
def test_what_has_died_since_is_collected_when_there_is_a_reason(
    reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    living, exemption = _Loop(), Exemption()
    exemption.renew(closed=False)
    seen = weakref.ref(living)
    del living
    gc.collect()
    assert seen() is not None, "exempt"
    if reason == "module":
        monkeypatch.setitem(sys.modules, "loaded_late", types.ModuleType("loaded_late"))
    if reason == "time":
        monkeypatch.setattr(garbage, "_RENEWED_S", -1)
    exemption.renew(closed=reason == "closed")
    assert (seen() is None) == (reason != "none")
