"""What the people went through, as a section of docs/reliability.md."""

import re
import statistics
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load.person import Noted
from benchmarks.report import machine

__all__ = ["Memory", "Outcome", "section", "write_section"]

ALLOWED = 1.10


@dataclass(frozen=True)
class Memory:
    """The server's memory in MB: fresh, after the warm-up, at most, and once all had left.

    ``seconds``: how long after the last one left it was back within ``ALLOWED`` of the warm-up's;
    None where it never was.
    """

    fresh: float
    warm: float
    peak: float
    last: float
    seconds: float | None


@dataclass(frozen=True)
class Outcome:
    """A load test from beginning to end."""

    people: int
    minutes: float
    think: tuple[float, float]
    noted: Noted
    memory: Memory
    busy: float
    """The machine's load average before it began: others' work makes every time longer."""

    @property
    def problems(self) -> list[str]:
        found = [*self.noted.problems, *self.noted.mixed_up_maps()]
        if self.memory.seconds is None:
            found.append(
                f"memory stayed at {self.memory.last:.0f} MB, {self.memory.warm:.0f} MB before"
            )
        return found


def section(outcome: Outcome) -> str:
    """The section, without its title."""
    counts, memory = outcome.noted.counts, outcome.memory
    low, high = outcome.think
    lines = [
        f"`python -m benchmarks.load --people {outcome.people} --minutes {outcome.minutes:g}`: "
        f"{outcome.people} people at once, each a context of Chromium with a session of its own, "
        f"on the server that the README starts; browsers and server share the machine "
        f"({machine()}; load average before: {outcome.busy:.1f}). Each uploads X-rays of their "
        "own, "
        "reads them with every checkpoint, looks at the heat map and through another window, walks "
        "to Evaluate and moves the threshold, to Embeddings and colours the map, comes back, and "
        f"after three rounds leaves and comes in anew; between two steps {low:g} to {high:g} s "
        "pass.",
        "",
        "| what was checked | found |",
        "|---|---|",
        f"| {counts['films read']:,} X-rays uploaded and read, {counts['rounds']:,} rounds, "
        f"{counts['visits']:,} sessions | every step ended, no error on a page or in the log: "
        f"{_yes(not outcome.noted.problems)} |",
        f"| {counts['pictures checked']:,} pictures served: the number drawn into each is that of "
        f"its own X-ray; {counts['probabilities checked']:,} probabilities: those that the library "
        f"gives for that file | {_yes(not _about(outcome, 'shown as', 'instead of'))} |",
        f"| {counts['maps checked']:,} heat maps: one for each X-ray, no two X-rays share one | "
        f"{_yes(not outcome.noted.mixed_up_maps())} |",
        f"| {counts['messages checked']:,} messages from the server "
        f"({counts['bytes received'] / 1e6:,.0f} MB): none names an X-ray of anybody else | "
        f"{_yes(not _about(outcome, 'names a film'))} |",
        f"| memory after all have left, within 10 % of what it was after a warm-up round | "
        f"{_returned(memory)} |",
        "",
        f"Memory of the server (RSS): {memory.fresh:.0f} MB fresh, {memory.warm:.0f} MB after a "
        f"round of everybody, {memory.peak:.0f} MB at most, {memory.last:.0f} MB in the end.",
        "",
        "| step | times | median, s | 95 % within, s | longest, s |",
        "|---|---|---|---|---|",
        *(_step(name, values) for name, values in outcome.noted.seconds.items()),
    ]
    if outcome.problems:
        lines += ["", "What went wrong:", "", *(f"- {each}" for each in outcome.problems[:20])]
    return "\n".join(lines)


def write_section(page: Path, title: str, text: str) -> None:
    """Put a section into the page, in place of the one of that title or at its end."""
    whole = page.read_text(encoding="utf-8") if page.is_file() else "# Reliability\n"
    new = f"## {title}\n\n{text.strip()}\n"
    old = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |^<!-- |\Z)", re.MULTILINE | re.DOTALL)
    if old.search(whole):
        whole = old.sub(lambda _: new + "\n", whole)
    else:
        whole = f"{whole.rstrip()}\n\n{new}"
    page.write_text(whole.rstrip() + "\n", encoding="utf-8")


def _step(name: str, values: list[float]) -> str:
    late = (
        statistics.quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]
    )
    median = statistics.median(values)
    return f"| {name} | {len(values)} | {median:.2f} | {late:.2f} | {max(values):.2f} |"


def _about(outcome: Outcome, *words: str) -> list[str]:
    return [each for each in outcome.noted.problems if any(word in each for word in words)]


def _yes(holds: bool) -> str:
    return "yes" if holds else "**no**"


def _returned(memory: Memory) -> str:
    share = 100 * (memory.last / memory.warm - 1)
    if memory.seconds is None:
        return f"**no**: {share:+.0f} %"
    return f"yes: {share:+.0f} %, {memory.seconds:.0f} s after the last one left"
