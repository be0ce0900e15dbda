"""Terminal output: results on standard output, progress bars on standard error."""

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars

if TYPE_CHECKING:
    from pneumo_core.core.progress import Progress
    from pneumo_core.runs import Now
    from pneumo_core.training import EpochReport

__all__ = [
    "bytes_bar",
    "err",
    "out",
    "progress_bar",
    "run_bars",
    "write_any_letter",
]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def write_any_letter() -> None:
    """Replace characters that the terminal cannot encode by "?"."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _bars(*counts: ProgressColumn) -> Bars:
    return Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        *(counts or (MofNCompleteColumn(),)),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


@contextmanager
def bytes_bar(title: str) -> "Iterator[Progress]":
    """Show a progress bar for bytes, with speed."""
    with _reporting(_bars(DownloadColumn(), TransferSpeedColumn()), title) as report:
        yield report


@contextmanager
def progress_bar(title: str) -> "Iterator[Progress]":
    """Show a progress bar on standard error from the first report on."""
    with _reporting(_bars(), title) as report:
        yield report


@contextmanager
def _reporting(bars: Bars, title: str) -> "Iterator[Progress]":
    with bars:
        task = bars.add_task(title, total=None, visible=False)

        def report(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total, visible=True)

        yield report


class RunBars:
    """A progress bar for the current stage of a run, and a line per finished epoch."""

    def __init__(self, bars: Bars, epochs: int) -> None:
        self.bars = bars
        self.epochs = epochs
        self.task = bars.add_task("", total=None, visible=False)
        self.told = 0

    def show(self, now: "Now | None", reports: "Sequence[EpochReport]") -> None:
        """Draw what changed since the last call."""
        if now:
            self.bars.update(
                self.task, description=now.stage, completed=now.done, total=now.total, visible=True
            )
        for report in reports[self.told :]:
            left = (self.epochs - report.epoch) * report.seconds
            self.bars.console.print(report.line(self.epochs, left))
        self.told = len(reports)


@contextmanager
def run_bars(epochs: int) -> Iterator[RunBars]:
    with _bars() as bars:
        yield RunBars(bars, epochs)
