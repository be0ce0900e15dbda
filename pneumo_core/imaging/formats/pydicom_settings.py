"""pydicom as films need it while one is read; afterwards it is as it was found."""

import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pydicom

from pneumo_core.core.log_levels import log_level

__all__ = ["lenient_pydicom"]

_FILTER: Any = ("ignore", None, Warning, re.compile(r"pydicom\."), 0)
_lock = threading.Lock()
_found: list[int] = []
"""The validation mode that each of those who read at once found; the first one's is the user's."""


@contextmanager
def lenient_pydicom() -> Iterator[None]:
    """Don't check what a header holds, and tell the terminal nothing of it, inside or decorated.

    A film is worth more than the length of its description. pydicom's checks, its log and its
    warnings are settings of the whole process: of several threads the first one changes them, and
    the last one puts them back.
    """
    with log_level("pydicom", logging.CRITICAL):  # it tells the log what it also warns of
        _enter()
        try:
            yield
        finally:
            _leave()


def _enter() -> None:
    config = pydicom.config.settings
    with _lock:
        _found.append(config.reading_validation_mode)
        config.reading_validation_mode = pydicom.config.IGNORE
        # Set anew where something (a test runner, another library) has taken it away meanwhile.
        # catch_warnings would be no alternative: it swaps the filters of every thread.
        if _FILTER not in warnings.filters:
            warnings.filterwarnings("ignore", module=_FILTER[3].pattern)


def _leave() -> None:
    with _lock:
        if len(_found) > 1:
            _found.pop()
            return
        pydicom.config.settings.reading_validation_mode = _found.pop()
        if _FILTER in warnings.filters:
            warnings.filters.remove(_FILTER)  # type: ignore[attr-defined]
