"""Lenient settings of pydicom while a file is read, restored afterwards."""

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
"""The validation mode that each concurrent reader found; the first one's is the user's."""


@contextmanager
def lenient_pydicom() -> Iterator[None]:
    """Disable pydicom's validation, log and warnings within a context or decorated function.

    These are process-wide settings: among several threads the first one changes them, and the last
    one restores them.
    """
    with log_level("pydicom", logging.CRITICAL):  # it logs what it also warns about
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
        # Set again if a test runner or another library has removed it meanwhile.
        # catch_warnings is no alternative: it swaps the filters of every thread.
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
