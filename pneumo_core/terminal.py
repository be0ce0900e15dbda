"""What the command line writes with: results on standard output, bars on standard error."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars

if TYPE_CHECKING:
    from pneumo_core.data import Progress
    from pneumo_core.training import Progressed

__all__ = ["err", "out", "progress_bar", "training_bars"]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def _bars() -> Bars:
    return Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )


@contextmanager
def progress_bar(title: str) -> "Iterator[Progress]":
    """A bar on standard error that appears with the first report."""
    with _bars() as bars:
        task = bars.add_task(title, total=None, visible=False)

        def report(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total, visible=True)

        yield report


class TrainingBars:
    """A bar for the epoch, and a line for each epoch that is done."""

    def __init__(self, bars: Bars, epochs: int) -> None:
        self.bars = bars
        self.epochs = epochs
        self.task = bars.add_task("Epoch", total=None, visible=False)

    def step(self, done: int, total: int) -> None:
        self.bars.update(self.task, completed=done, total=total, visible=True)

    def epoch(self, progressed: "Progressed", seconds_left: float) -> None:
        report = progressed.reports[-1]
        self.bars.console.print(
            f"epoch {report.epoch}/{self.epochs}  loss {report.train_loss:.3f}  "
            f"validation: loss {report.val_loss:.3f}, AUC {report.val_auc:.4f}, "
            f"sensitivity {report.val_sensitivity:.3f}, specificity {report.val_specificity:.3f}  "
            f"{report.films_per_second:.0f} films/s, {seconds_left / 60:.1f} min left"
        )
        self.bars.reset(self.task)


@contextmanager
def training_bars(epochs: int) -> Iterator[TrainingBars]:
    with _bars() as bars:
        yield TrainingBars(bars, epochs)
