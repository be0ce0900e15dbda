"""Parallel work in threads; decoders and ONNX Runtime release the GIL."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from pneumo_core.core.progress import Progress

__all__ = ["each_of", "in_order"]

_AT_ONCE = 256

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    """Apply ``work`` to each item in several threads, and yield the results in order.

    Only a few items are read ahead of the consumer, so memory does not grow with their number.
    Exceptions of ``work`` are raised here; no new work starts after that, or once the iterator is
    closed.
    """
    if threads == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def each_of(
    work: Callable[[Item], Result], items: Sequence[Item], progress: Progress | None = None
) -> list[Result]:
    """Return ``work`` of each item, in order, computed in as many threads as there are cores.

    ``progress`` is called after every 256 items. Exceptions of ``work`` are raised here.
    """
    done: list[Result] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, len(items), _AT_ONCE):
            done += pool.map(work, items[start : start + _AT_ONCE])
            if progress:
                progress(len(done), len(items))
    return done
