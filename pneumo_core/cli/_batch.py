"""``--out DIR`` of ``pneumo predict`` and ``pneumo embed``: many X-rays into parquet files."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pneumo_core.cli._shared import log_entries, print_json
from pneumo_core.cli._terminal import long_bar, out
from pneumo_core.errors import UnknownName

if TYPE_CHECKING:
    from pneumo_core.batch import Work

__all__ = ["AddressOption", "BatchOptions", "EngineOption", "WorkersOption", "run"]

EngineOption = Annotated[
    str, typer.Option("--engine", help="With --out: local (processes) or ray (Ray Data).")
]
WorkersOption = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="With --out: processes; default: one per core."),
]
AddressOption = Annotated[
    str | None,
    typer.Option("--ray-address", help="With --engine ray: a cluster; default: this machine."),
]


@dataclass(frozen=True)
class BatchOptions:
    """Who computes: an engine of ``batch.ENGINES``, how many at once, and a Ray cluster."""

    engine: str = "local"
    workers: int | None = None
    address: str | None = None


def run(
    folder: Path,
    work: "Work",
    sources: list[str],
    options: BatchOptions,
    *,
    as_json: bool = False,
    items: Iterable[dict[str, Any]] | None = None,
) -> bool:
    """Start or resume a batch, and print its summary. Return whether all were read."""
    from pneumo_core.batch import ENGINES, open_job, run_batch, summarise
    from pneumo_core.core.settings import settings

    if options.engine not in ENGINES:
        raise UnknownName("engine", options.engine, ENGINES)
    if options.address and options.engine != "ray":
        raise typer.BadParameter("--ray-address needs --engine ray")
    workers = options.workers or settings().threads
    job = open_job(folder, work, sources, workers=workers, items=items)
    started = time.monotonic()
    with long_bar("Reading X-rays" if work.kind == "predict" else "Computing features") as bar:
        run_batch(
            job,
            engine=options.engine,
            workers=workers,
            address=options.address,
            progress=bar,
            observe=_Log() if work.kind == "predict" else None,
        )
    counts = summarise(folder)
    seconds = time.monotonic() - started
    if as_json:
        print_json({"folder": folder, **vars(counts), "seconds": round(seconds, 1)})
    else:
        out.print(
            f"{counts.items:,} X-rays in '{folder}': {counts.read:,} read, {counts.refused:,} "
            f"refused, {counts.failed:,} failed.",
            markup=False,
        )
    return counts.read == counts.items


class _Log:
    """Logs the readings of each shard; stops after a failure."""

    def __init__(self) -> None:
        self._heard = True

    def __call__(self, rows: Any) -> None:
        from pneumo_core.audit import operator
        from pneumo_core.reading import entry_of_row

        who = operator()
        entries = [entry_of_row(row, who) for row in rows.to_pylist() if row["digest"]]
        self._heard = self._heard and log_entries(entries)
