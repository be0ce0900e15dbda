"""A finder that sees whatever is bright, so that tests need no real lungs."""

import pytest

from pneumo_core.lungs import framing
from tests.lungs.bright import BrightFinder


@pytest.fixture
def bright(monkeypatch: pytest.MonkeyPatch) -> BrightFinder:
    """The finder that framing uses, too."""
    finder = BrightFinder()
    monkeypatch.setattr("pneumo_core.lungs.finder.lung_finder", lambda: finder)
    monkeypatch.setattr(framing, "lung_finder", lambda: finder)
    return finder
