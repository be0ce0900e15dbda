"""A batch on this machine: shards in several processes, each computing in one thread."""

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process

import pyarrow as pa  # type: ignore[import-untyped]

from pneumo_core.batch.job import Job, Work, items_of
from pneumo_core.batch.rows import failed_rows, one_thread, rows_of
from pneumo_core.batch.shards import write_shard

__all__ = ["in_processes"]

_BREAKS = 2
"""How often the processes may die while a shard is in work before it is taken apart."""
_DIED = (
    "the process that read it was killed, perhaps for lack of memory. Read this file alone to find "
    "out."
)


def in_processes(job: Job, shards: Iterable[int], workers: int) -> Iterator[int]:
    """Compute and write shards in ``workers`` processes; yield each when it is on disk.

    When a process dies, the shards in work are begun again in new ones. A shard that was in work
    twice at such a moment is taken apart until the X-ray is found that ends processes; it becomes
    a failed row. Processes end with the one that started them, even if that is killed.
    """
    waiting, breaks = deque(shards), dict[int, int]()
    while waiting:
        shard = waiting[0]
        if breaks.get(shard, 0) >= _BREAKS:
            write_shard(job, shard, _taken_apart(job.work, items_of(job, shard)))
            yield waiting.popleft()
            continue
        in_work: dict[Future[int], int] = {}
        try:
            with _processes(workers) as pool:
                yield from _until_broken(pool, job, waiting, in_work, 2 * workers)
        except BrokenProcessPool:
            for each in in_work.values():
                breaks[each] = breaks.get(each, 0) + 1
            waiting.extendleft(sorted(in_work.values(), reverse=True))


def _until_broken(
    pool: ProcessPoolExecutor,
    job: Job,
    waiting: deque[int],
    in_work: dict[Future[int], int],
    most: int,
) -> Iterator[int]:
    """Keep up to ``most`` shards in work; leave in ``in_work`` those that did not end."""
    try:
        while waiting or in_work:
            while waiting and len(in_work) < most:
                # This raises if the processes are broken; the shard must still be waiting then.
                in_work[pool.submit(_compute, job, waiting[0])] = waiting[0]
                waiting.popleft()
            for future in wait(in_work, return_when=FIRST_COMPLETED).done:
                shard = future.result()
                del in_work[future]
                yield shard
    except BrokenProcessPool:
        raise
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        raise


def _processes(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    one_thread()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _compute(job: Job, shard: int) -> int:
    write_shard(job, shard, rows_of(job.work, items_of(job, shard)))
    return shard


def _taken_apart(work: Work, items: pa.Table) -> pa.Table:
    """Return the rows of items in processes of their own; halve them where one dies."""
    try:
        with _processes(1) as pool:
            return pool.submit(rows_of, work, items).result()
    except BrokenProcessPool:
        if len(items) == 1:
            return failed_rows(work, items, _DIED)
        half = len(items) // 2
        parts = _taken_apart(work, items[:half]), _taken_apart(work, items[half:])
        return pa.concat_tables(parts)
