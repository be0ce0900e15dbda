"""Temporary log levels of other libraries."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["log_level"]

_lock = threading.Lock()
_held: dict[str, tuple[int, int]] = {}
"""By logger name: number of holders, and the level before."""


@contextmanager
def log_level(name: str, level: int) -> Iterator[None]:
    """Raise a library's log level within a context or decorated function.

    The level is process-wide: among several threads the first one sets it, and the last one
    restores it.
    """
    log = logging.getLogger(name)
    with _lock:
        holders, before = _held.get(name, (0, log.level))
        _held[name] = (holders + 1, before)
        log.setLevel(level)
    try:
        yield
    finally:
        with _lock:
            holders, before = _held.pop(name)
            if holders > 1:
                _held[name] = (holders - 1, before)
            else:
                log.setLevel(before)
