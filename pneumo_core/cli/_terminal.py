"""Terminal output: results on standard output, progress bars on standard error."""

import io
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table

if TYPE_CHECKING:
    from pneumo_core.core.progress import Progress
    from pneumo_core.runs import Now
    from pneumo_core.training import EpochReport

__all__ = [
    "bytes_bar",
    "err",
    "long_bar",
    "out",
    "print_table",
    "progress_bar",
    "run_bars",
    "write_any_letter",
]

_LINE_EVERY = 60  # seconds
_FILE_WIDTH = 400
"""The widest table outside a terminal, in characters."""

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def write_any_letter() -> None:
    """Replace characters that the terminal cannot encode by "?"."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def print_table(table: Table) -> None:
    """Print a table whose figures are wrapped where it is too wide, never cut.

    In a file or a pipe it is as wide as it needs.
    """
    for column in table.columns:
        column.overflow = "fold"
    if not out.is_terminal:
        wide = out.options.update(max_width=_FILE_WIDTH)
        out.width = max(out.width, out.measure(table, options=wide).maximum)
    out.print(table)


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
def long_bar(title: str) -> "Iterator[Progress]":
    """Show a progress bar for work that takes hours and can resume.

    If standard error is not a terminal, a line is printed every minute.
    """
    if not err.is_terminal:
        yield _Lines(title)
        return
    with _bars() as bars:
        task: list[TaskID] = []

        def report(done: int, total: int) -> None:
            if not task:  # what was done before says nothing about the speed
                task.append(bars.add_task(title, completed=done, total=total))
            bars.update(task[0], completed=done)

        yield report


class _Lines:
    """A progress callback that prints a line a minute, with the time left."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._begun: tuple[float, int] | None = None
        self._printed = 0.0

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._begun is None:
            self._begun, self._printed = (now, done), now
            if done:
                err.print(f"{self._title}: {done:,} of {total:,} were done before.", markup=False)
        elif now - self._printed >= _LINE_EVERY:
            self._printed = now
            began, before = self._begun
            speed = (done - before) / (now - began)
            left = (total - done) / speed / 60 if speed else float("inf")
            line = f"{done:,} of {total:,}, {speed:.1f} a second, {left:.0f} minutes left"
            err.print(f"{self._title}: {line}", markup=False)


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
