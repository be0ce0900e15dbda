"""Keep pydicom's own warnings off the terminal while a film is read."""

import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress

__all__ = ["quiet"]

_MODULES = r"pydicom\."
_FILTER = ("ignore", None, Warning, re.compile(_MODULES), 0)
_lock = threading.Lock()
_readers = 0
_level_before = logging.NOTSET


@contextmanager
def quiet() -> Iterator[None]:
    """Silence pydicom's warnings and log inside; leave its logger and the filters as found after.

    What a file has wrong is said by Pneumo, in a film's warnings or in its refusal. Both settings
    belong to the whole process, so the first of several threads sets them and the last one takes
    them back; `warnings.catch_warnings` in each would restore another thread's.
    """
    _begin()
    try:
        yield
    finally:
        _end()


def _begin() -> None:
    global _readers, _level_before  # noqa: PLW0603
    with _lock:
        if _readers == 0:
            _level_before = logging.getLogger("pydicom").level
            logging.getLogger("pydicom").setLevel(logging.CRITICAL)
        _readers += 1
        if _FILTER not in warnings.filters:
            warnings.filterwarnings("ignore", module=_MODULES)


def _end() -> None:
    global _readers  # noqa: PLW0603
    with _lock:
        _readers -= 1
        if _readers == 0:
            logging.getLogger("pydicom").setLevel(_level_before)
            with suppress(ValueError):  # somebody else has put other filters in place
                warnings.filters.remove(_FILTER)  # type: ignore[attr-defined]
