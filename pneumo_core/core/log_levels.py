"""Other libraries' logs, quieter while they work for us; afterwards they are as they were found."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["log_level"]

_lock = threading.Lock()
_held: dict[str, tuple[int, int]] = {}
"""By a log's name: how many hold it, and its level before."""


@contextmanager
def log_level(name: str, level: int) -> Iterator[None]:
    """Let a library's log tell only what is at least so grave, inside or in a decorated function.

    The level belongs to the whole process: of several threads the first one sets it, and the last
    one puts it back.
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
