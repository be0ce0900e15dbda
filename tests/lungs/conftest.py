"""A finder that sees whatever is bright, so that tests need no real lungs."""

from collections.abc import Iterator

import pytest

from pneumo_core.lungs import register_lung_finder
from tests.lungs.bright import BrightFinder


@pytest.fixture
def bright() -> Iterator[BrightFinder]:
    """The finder that everything uses during a test."""
    finder = BrightFinder()
    register_lung_finder(finder)
    yield finder
    register_lung_finder(None)
