"""Records of a run's training: files beside its state, for people, pages and TensorBoard."""

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pneumo_core.core.progress import Progress
from pneumo_core.errors import TrainingError
from pneumo_core.runs.status import Diary, Now, stop_if_asked
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.relay import Listener
from pneumo_core.training.state import EpochReport, Progressed, write_atomically

__all__ = ["Historian", "history_of", "losses_of", "report_to"]

_TELL_EVERY = 0.5
"""Seconds between two progress lines within an epoch."""

_LOSS_COLUMNS = ("epoch", "loss")
_SCALARS = ("train_loss", "val_loss", "val_auc", "val_sensitivity", "val_specificity")


class Historian:
    """Listener that writes a run's history and stops the run on request.

    ``history.csv`` has a row for each epoch; ``losses.csv`` the mean loss between two progress
    lines, with fractional epochs; ``tensorboard/`` the same for TensorBoard.
    """

    def __init__(self, diary: Diary, config: TrainingConfig, other: Listener | None) -> None:
        self.folder = diary.folder
        self._diary = diary
        self._config = config
        self._other = other
        self._epochs_done = 0
        self._pace = _Pace(0.0, 0.0)
        self._told = 0.0
        self._recent: list[float] = []
        self._lines: list[tuple[float, float]] = []

    def begin(self, progressed: Progressed) -> None:
        self._epochs_done = progressed.epoch
        kept = losses_of(self.folder)
        kept = kept[kept["epoch"] <= progressed.epoch]  # an interrupted epoch is trained again
        self._lines = list(kept.itertuples(index=False, name=None))
        if self._other:
            self._other.begin(progressed)

    def step(self, done: int, total: int, loss: float) -> None:
        stop_if_asked(self.folder)
        now = time.monotonic()
        self._recent.append(loss)
        if done == 1:
            self._pace = _Pace(now, self._pace.epoch_seconds)
        if done == total or now - self._told >= _TELL_EVERY:
            self._write_step(done, total, now)
        if self._other:
            self._other.step(done, total, loss)

    def epoch(self, progressed: Progressed, seconds_left: float) -> None:
        self._epochs_done = progressed.epoch
        report = progressed.reports[-1]
        self._pace = _Pace(0.0, report.seconds)
        table = pd.DataFrame([vars(each) for each in progressed.reports])
        write_atomically(self.folder / "history.csv", table.to_csv(index=False).encode())
        if self._other:
            self._other.epoch(progressed, seconds_left)
        with contextlib.suppress(OSError):  # optional; training continues without it
            self._write_tensorboard(report)

    def _write_step(self, done: int, total: int, now: float) -> None:
        self._told = now
        at = self._epochs_done + done / total
        self._lines.append((at, sum(self._recent) / len(self._recent)))
        self._recent.clear()
        with contextlib.suppress(TrainingError):
            lines = pd.DataFrame(self._lines, columns=_LOSS_COLUMNS).to_csv(index=False)
            write_atomically(self.folder / "losses.csv", lines.encode())
        per_second = self._pace.steps_per_second(done, now)
        number = f"{self._epochs_done + 1} of {self._config.all_epochs}"
        if done == total:
            self._diary.note(Now(f"Validation after epoch {number}", 1, 0))
            return
        self._diary.note(
            Now(
                stage=f"Epoch {number}",
                done=done,
                total=total,
                films_per_second=per_second * self._config.batch_size,
                seconds_left=self._seconds_left(done, total, per_second),
                unit="batch",
            )
        )

    def _seconds_left(self, done: int, total: int, per_second: float) -> float | None:
        if not per_second:
            return None
        epoch = self._pace.epoch_seconds or total / per_second
        later = self._config.all_epochs - self._epochs_done - 1
        return (total - done) / per_second + epoch * later

    def _write_tensorboard(self, report: EpochReport) -> None:
        from tensorboardX import SummaryWriter  # takes a second to import

        with SummaryWriter(str(self.folder / "tensorboard"), purge_step=report.epoch) as writer:
            for name in _SCALARS:
                writer.add_scalar(name, getattr(report, name), report.epoch)
            writer.add_scalar("learning_rate", report.learning_rate, report.epoch)


@dataclass(frozen=True)
class _Pace:
    """Time of an epoch's first step, and duration of the previous epoch."""

    began: float
    epoch_seconds: float

    def steps_per_second(self, done: int, now: float) -> float:
        """Return the steps per second; 0 after only one step, which includes the warm-up."""
        return (done - 1) / (now - self.began) if done > 1 and now > self.began else 0.0


def report_to(diary: Diary, stage: str, other: Progress | None) -> Progress:
    """Return a progress callback that also updates the run's status and can cancel it."""
    last, began, first = 0.0, None, 0

    def report(done: int, total: int) -> None:
        nonlocal last, began, first
        stop_if_asked(diary.folder)
        now = time.monotonic()
        if began is None:
            began, first = now, done
        if done == total or now - last >= _TELL_EVERY:
            last = now
            paced = done > first and now > began
            left = (now - began) / (done - first) * (total - done) if paced else None
            diary.note(Now(stage, done, total, seconds_left=left))
        if other:
            other(done, total)

    return report


def history_of(folder: Path) -> list[EpochReport]:
    """Read the reports of a run's finished epochs."""
    table = _table(folder / "history.csv", tuple(EpochReport.__dataclass_fields__))
    return [EpochReport(**row) for row in table.to_dict("records")]  # type: ignore[arg-type]


def losses_of(folder: Path) -> pd.DataFrame:
    """Read the training loss within a run's epochs: epoch (fractional) and loss."""
    return _table(folder / "losses.csv", _LOSS_COLUMNS)


def _table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read a table of a run; empty if it is missing or damaged."""
    try:
        return pd.read_csv(path)[list(columns)]
    except (OSError, ValueError, KeyError):
        return pd.DataFrame({column: pd.Series(dtype=float) for column in columns})
