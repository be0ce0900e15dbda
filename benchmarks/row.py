"""A row of the table, and how its times are taken: side by side, in turn, in one process."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

__all__ = ["Row", "Spread", "in_turn", "seconds_of"]


@dataclass(frozen=True)
class Spread:
    """Median, quickest and slowest of several runs."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One thing that was timed. Less is better everywhere.

    ``ours``, ``peer`` and ``floor`` are in ``unit``. A goal is a smallest ratio of the peer's
    median to ours, a smallest share of ours that the floor takes, or a largest ``ours``.
    ``note``: what the figures alone don't say.
    """

    name: str
    unit: str
    ours: Spread
    peer: Spread | None = None
    floor: Spread | None = None
    times_peer: float | None = None
    of_floor: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def goals(self) -> list[tuple[str, bool]]:
        """Each goal in words, and whether it is met."""
        told = []
        if self.times_peer and self.peer:
            ratio = self.peer.median / self.ours.median
            told.append(
                (f"≥ {self.times_peer:.3g} × the peer: {ratio:.2f}", ratio >= self.times_peer)
            )
        if self.of_floor and self.floor:
            share = self.floor.median / self.ours.median
            told.append(
                (f"≥ {self.of_floor:.2f} of the floor: {share:.2f}", share >= self.of_floor)
            )
        if self.at_most is not None:
            met = self.ours.median <= self.at_most
            told.append((f"≤ {self.at_most:g} {self.unit}", met))
        return told


def seconds_of(work: Callable[[], object]) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def in_turn(
    works: Mapping[str, Callable[[], object]],
    repeats: int,
    *,
    warm: bool = True,
    scale: float = 1,
    pause: float = 0.25,
) -> dict[str, Spread]:
    """Times of several works, one after the other in each round, so that all meet the same noise.

    A work that gives a float has timed itself, in seconds. ``scale`` makes the unit of seconds.
    ``pause``: seconds before each, in which the threads of the one before it fall asleep; PyTorch's
    spin for a while and would take the cores from what comes next.
    """
    taken: dict[str, list[float]] = {name: [] for name in works}
    for number in range(repeats + warm):
        for name, work in works.items():
            time.sleep(pause)
            started = time.perf_counter()
            told = work()
            seconds = told if isinstance(told, float) else time.perf_counter() - started
            if number or not warm:
                taken[name].append(scale * seconds)
    return {name: Spread.of(values) for name, values in taken.items()}
