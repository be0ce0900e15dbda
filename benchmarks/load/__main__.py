"""Many people at once; writes the section "Load" of docs/reliability.md. Linux, with Chromium.

    python -m benchmarks.load [--people 20] [--minutes 10] [--think 1 4] [--dry]

First everybody makes one round and leaves: the memory that the server then holds, once it has let
their sessions go, is what it has to come back to. Then they stay for so many minutes and leave
again. Nothing is forced: the server is only watched. Ends with 1 where anything was wrong.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from playwright.async_api import async_playwright

from benchmarks.load.films import TaggedFilm, tagged_films
from benchmarks.load.outcome import ALLOWED, Memory, Outcome, section, write_section
from benchmarks.load.person import Noted, Person
from benchmarks.load.server import ROOT, Server, running
from tests.browser.conftest import CHROMIUM, FLAGS

SESSION = 120
"""Seconds that Streamlit keeps the session of a closed tab."""
REST = SESSION + 45
FILMS_EACH = 3


def main() -> None:
    """Run it, write what it found, print what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--think", type=float, nargs=2, default=(1.0, 4.0), metavar="SECONDS")
    parser.add_argument("--patience", type=float, default=900, help="seconds memory has to return")
    parser.add_argument("--dry", action="store_true", help="print the section, don't write it")
    given = parser.parse_args()
    busy = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as own, running(Path(own)) as server:
        films = tagged_films(given.people, FILMS_EACH, Path(own) / "load")
        noted, memory = asyncio.run(_load(server, films, given))
        noted.problems += [f"the server's log: {line}" for line in server.wrong_lines()]
    outcome = Outcome(given.people, given.minutes, tuple(given.think), noted, memory, busy)
    text = section(outcome)
    print(text)
    if not given.dry:
        write_section(ROOT / "docs" / "reliability.md", "Load", text)
    for problem in outcome.problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if outcome.problems else 0)


async def _load(
    server: Server, films: list[list[TaggedFilm]], given: argparse.Namespace
) -> tuple[Noted, Memory]:
    """A warm-up round, a rest, the load, and the wait for memory to return."""
    fresh, peak = server.memory_mb(), _Peak(server)
    noted, think = Noted(), tuple(given.think)
    watching = asyncio.create_task(peak.watch())
    _say(f"{given.people} people make a round each")
    warmed = Noted()
    await _together(server, films, warmed, think, until=0)
    noted.problems += [f"warm-up: {each}" for each in warmed.problems]
    _say(f"all have left; {REST} s of rest")
    await asyncio.sleep(REST)
    warm = server.memory_mb()
    _say(f"{warm:.0f} MB; {given.minutes:g} minutes of {given.people} people")
    await _together(server, films, noted, think, until=time.monotonic() + 60 * given.minutes)
    left = time.monotonic()
    _say(f"all have left; peak {peak.mb:.0f} MB, now {server.memory_mb():.0f} MB")
    seconds = await _returned(server, warm, left, given.patience)
    last = server.memory_mb()
    watching.cancel()
    return noted, Memory(fresh, warm, peak.mb, last, seconds)


async def _together(
    server: Server,
    films: list[list[TaggedFilm]],
    noted: Noted,
    think: tuple[float, ...],
    *,
    until: float,
) -> None:
    """Everybody at once, in one Chromium that is gone afterwards."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        people = [
            Person(number, own, browser, server.address, noted, (think[0], think[1]))
            for number, own in enumerate(films)
        ]
        telling = asyncio.create_task(_tell(noted))
        await asyncio.gather(*(person.stay(until) for person in people))
        telling.cancel()
        await browser.close()


async def _tell(noted: Noted) -> None:
    """Say every half minute what was done so far, and where everybody is."""
    while True:
        await asyncio.sleep(30)
        where = Counter(noted.under_way.values()).most_common()
        steps = ", ".join(f"{people} at '{step}'" for step, people in where)
        counts = noted.counts
        _say(f"{counts['rounds']} rounds, {len(noted.problems)} problems; {steps}")


async def _returned(server: Server, warm: float, left: float, patience: float) -> float | None:
    """Seconds until memory was back, looked at for as long as the warm-up's rest at least."""
    seconds = None
    while (past := time.monotonic() - left) < max(REST, patience):
        back = server.memory_mb() <= ALLOWED * warm
        seconds = (past if seconds is None else seconds) if back else None
        if seconds is not None and past >= REST:
            break
        await asyncio.sleep(1)
    return seconds


class _Peak:
    """The most memory that was seen."""

    def __init__(self, server: Server) -> None:
        self.server, self.mb = server, 0.0

    async def watch(self) -> None:
        while True:
            self.mb = max(self.mb, self.server.memory_mb())
            await asyncio.sleep(1)


def _say(what: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
