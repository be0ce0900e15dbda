"""A finder that sees whatever is bright, so that tests need no real lungs."""

from collections.abc import Callable

import pytest

from tests.lungs.bright import BrightFinder


@pytest.fixture
def bright(use_finder: Callable[[BrightFinder], None]) -> BrightFinder:
    """The finder that everything uses during a test."""
    finder = BrightFinder()
    use_finder(finder)
    return finder
