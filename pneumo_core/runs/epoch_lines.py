"""A training in lines: one for each epoch."""

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a waiting run imports nothing heavy
    from pneumo_core.training import Progressed

__all__ = ["EpochLines"]


class EpochLines:
    """Listener that passes a line for each epoch to ``say``."""

    def __init__(self, epochs: int, say: Callable[[str], None]) -> None:
        self._epochs, self._say = epochs, say

    def begin(self, progressed: "Progressed") -> None:
        if progressed.epoch:
            self._say(f"Resuming after epoch {progressed.epoch}.")

    def step(self, done: int, total: int, loss: float) -> None:
        """Nothing to say: a run's steps have a file of their own."""

    def epoch(self, progressed: "Progressed", seconds_left: float) -> None:
        self._say(progressed.reports[-1].line(self._epochs, seconds_left))
