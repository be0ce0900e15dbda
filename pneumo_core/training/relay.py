"""Training events passed from the training processes to the one that started them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch.multiprocessing

from pneumo_core.training.state import Progressed

__all__ = ["Listener", "relay_events"]


class Listener(Protocol):
    """Training callbacks; an exception stops the run."""

    def begin(self, progressed: Progressed) -> None:
        """Called when training starts or resumes after these epochs."""

    def step(self, done: int, total: int, loss: float) -> None:
        """Called after a step of the current epoch; ``loss`` is its batch's cross-entropy."""

    def epoch(self, progressed: Progressed, seconds_left: float) -> None:
        """Called when an epoch is done and saved; its report is the last of ``progressed``."""


@dataclass(frozen=True)
class _Sender:
    """A listener that can be pickled, in place of the real one with its progress bars."""

    queue: Any

    def begin(self, progressed: Progressed) -> None:
        self.queue.put(("begin", Progressed(progressed.reports, progressed.best_epoch)))

    def step(self, done: int, total: int, loss: float) -> None:
        self.queue.put(("step", done, total, loss))

    def epoch(self, progressed: Progressed, seconds_left: float) -> None:
        without_weights = Progressed(progressed.reports, progressed.best_epoch)
        self.queue.put(("epoch", without_weights, seconds_left))


@contextmanager
def relay_events(listener: Listener | None, *, here: bool) -> Iterator[Listener | None]:
    """Yield the listener if this process trains, else one that forwards events to this process."""
    if listener is None or here:
        yield listener
        return
    queue = torch.multiprocessing.get_context("spawn").Queue()
    thread = threading.Thread(target=_deliver, args=(queue, listener), daemon=True)
    thread.start()
    try:
        yield _Sender(queue)
    finally:
        queue.put(None)
        thread.join(timeout=10)  # a killed process may have left half a message
        queue.close()


def _deliver(queue: Any, listener: Listener) -> None:
    while (news := queue.get()) is not None:
        kind, *facts = news
        getattr(listener, kind)(*facts)
