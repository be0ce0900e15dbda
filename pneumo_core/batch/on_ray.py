"""A batch on a Ray cluster: Ray Data hands shards to actors, each with an open model."""

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pneumo_core.batch.job import Job, Work, items_of
from pneumo_core.batch.rows import one_thread, rows_of
from pneumo_core.batch.shards import write_shard
from pneumo_core.core.extras import require
from pneumo_core.core.settings import cores
from pneumo_core.errors import PneumoError

__all__ = ["on_ray"]

_SHARE = 0.5
"""CPUs that an actor reserves. Two reserving a whole one each would leave Ray Data none for
handing out shards, and the batch would never end."""
_LOOPBACK, _NO_CLUSTER = "127.0.0.1", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"
"""Ray's switch has the name of the systems on which it is off by default; it works on any."""


class ShardWriter:
    """An actor: opens the model once, by name and version, and writes the shards it is given."""

    def __init__(self, job: dict[str, Any]) -> None:
        one_thread()
        work = Work(**job["work"])
        self._job = Job(Path(job["folder"]), work, (), job["items"], job["shard_size"])

    def __call__(self, batch: dict[str, "np.ndarray"]) -> dict[str, "np.ndarray"]:
        for shard in batch["shard"].tolist():
            write_shard(self._job, shard, rows_of(self._job.work, items_of(self._job, shard)))
        return batch


def on_ray(
    job: Job, shards: Iterable[int], workers: int, address: str | None = None
) -> Iterator[int]:
    """Compute and write shards in ``workers`` actors; yield each when it is on disk.

    ``address``: a cluster, whose nodes see the batch's folder and the X-rays at the same paths and
    have the same model; None starts Ray on this machine. Ray begins a shard again when its actor
    or node is lost. Raises MissingExtra.
    """
    require("ray", "ray")
    plain = {**asdict(job), "folder": str(job.folder.resolve()), "sources": None}
    with _connected(address):
        import ray.data

        ray.data.DataContext.get_current().enable_progress_bars = False
        numbers = [{"shard": shard} for shard in shards]
        written = ray.data.from_items(numbers, override_num_blocks=len(numbers)).map_batches(
            ShardWriter,
            fn_constructor_args=(plain,),
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(numbers))),
            num_cpus=_SHARE,
            batch_size=1,
        )
        for row in written.iter_rows():
            yield int(row["shard"])


@contextmanager
def _connected(address: str | None) -> Iterator[None]:
    """Connect to a cluster, or start Ray on this machine, on 127.0.0.1 alone."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    own: dict[str, Any] = {}
    if address is None:
        # Ray would give way to all other processes, at a niceness of 15.
        os.environ.setdefault("RAY_worker_niceness", "0")
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        # Without clusters Ray's servers listen on 127.0.0.1. "_node_ip_address" doesn't do that:
        # Ray replaces a loopback address by the machine's own. Ray reads it when it is imported.
        os.environ[_NO_CLUSTER] = "0"
        own = {"num_cpus": cores(), "include_dashboard": False}
    import ray

    level = logging.ERROR
    logging.getLogger("ray.data").setLevel(level)
    ray.init(address=address or "local", log_to_driver=False, logging_level=level, **own)
    try:
        if address is None and ray.util.get_node_ip_address() != _LOOPBACK:  # type: ignore[no-untyped-call]
            raise PneumoError(
                "Ray was imported before and would listen on this machine's network address. Set "
                f"{_NO_CLUSTER}=0 before importing it, or use the engine 'local'."
            )
        yield
    finally:
        ray.shutdown()
