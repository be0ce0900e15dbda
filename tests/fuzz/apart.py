"""Inputs in a process of their own, watched: one that takes it down is found and named.

The child says which input it is on before it begins; the parent ends it after ten seconds on one.
Memory is the peak of the child's resident set over what it had before the input, and of the
processes it starts.
"""

import argparse
import json
import os
import resource
import select
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["LIMIT_MB", "LIMIT_S", "Outcome", "forget_peak", "made", "outcomes", "peak_mb"]

ROOT = Path(__file__).parents[2]
LIMIT_S = 10.0
LIMIT_MB = 1000.0
_START_S = 240.0
_GRACE_MB = 6000
"""Above what is too much, so that it is measured; the machine is guarded all the same."""


@dataclass(frozen=True)
class Outcome:
    """What became of one input.

    ``sentence``: by which it was refused, "" if it was read; ``crash``: what should never happen,
    "" if nothing did; ``mutation``: what was done to which seed.
    """

    number: int
    mutation: str
    seconds: float
    mb: float
    sentence: str = ""
    crash: str = ""


def outcomes(kind: str, first: int, count: int, seed: int = 0) -> Iterator[Outcome]:
    """What becomes of so many inputs of a format, from the number ``first`` on."""
    number, end = first, first + count
    while number < end:
        for outcome in _batch(kind, number, end - number, seed):
            yield outcome
            number = outcome.number + 1


def _batch(kind: str, first: int, count: int, seed: int) -> Iterator[Outcome]:
    """Until the child ends, by itself or not."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz.apart", kind]
    child = subprocess.Popen(
        [*command, str(first), str(count), str(seed)], cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert child.stdout is not None
    on, began, buffer, done = -1, time.monotonic(), b"", False
    try:
        while True:
            limit = LIMIT_S * 1.5 if on >= 0 else _START_S
            ready, _, _ = select.select(
                [child.stdout], [], [], max(0, began + limit - time.monotonic())
            )
            chunk = os.read(child.stdout.fileno(), 1 << 16) if ready else b""
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                told = json.loads(line)
                if "on" in told:
                    on, began = told["on"], time.monotonic()
                else:
                    done = told["number"] == first + count - 1
                    yield Outcome(**told)
                    on = -1 if done else on + 1
            if not chunk:
                break
    finally:
        child.kill()
        status = child.wait()
    if done:
        return
    taken = time.monotonic() - began
    why = "no answer in time" if not ready else f"the process ended with {status}"
    if on < 0:
        raise RuntimeError(f"the process never began: {why}")
    yield Outcome(on, _told(kind, on, seed), taken, 0, crash=why)


def _told(kind: str, number: int, seed: int) -> str:
    _, data, how = made(kind, number, seed)
    return f"{how} ({len(data)} bytes)"


def made(kind: str, number: int, seed: int) -> tuple[str, bytes, str]:
    """(name of the whole file, damaged bytes, what was done) of an input."""
    from tests.fuzz.mutate import mutate

    whole = _whole(kind)
    name, data = whole[(number * 7919 + seed) % len(whole)]
    bent, how = mutate(data, seed * 1_000_000_007 + number, kind)
    return name, bent, f"{name}: {how}"


@cache
def _whole(kind: str) -> tuple[tuple[str, bytes], ...]:
    from tests.fuzz.seeds import seeds

    return tuple(seeds(kind).items())


def peak_mb() -> float:
    """The largest resident set since the last ``forget_peak``."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def forget_peak() -> float:
    """Start measuring anew, and what is held now; without /proc peaks only ever grow."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return 0.0
    return peak_mb()


def _say(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _work(kind: str, first: int, count: int, seed: int) -> None:
    from tests.fuzz.targets import CHECKPOINTS, prepare, use

    os.environ.setdefault("PNEUMO_CHECKPOINTS", str(CHECKPOINTS))
    if kind == "checkpoint":
        os.environ["PNEUMO_ENGINE"] = "torch"  # no graph is written for each
    os.environ["PNEUMO_THREADS"] = "1"
    prepare(kind)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = held + _GRACE_MB * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    for number in range(first, first + count):
        name, data, how = made(kind, number, seed)
        _say(on=number)
        if os.environ.get("FUZZ_ABORT_ON") == str(number):  # does the watching work?
            os.abort()
        crash = sentence = ""
        before, began = forget_peak(), time.monotonic()
        try:
            sentence = use(kind, name, data)
        except BaseException as error:  # noqa: BLE001  whatever it is, it is what we look for
            where = traceback.extract_tb(error.__traceback__)[-4:]
            at = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(where))
            crash = f"{type(error).__name__}: {str(error)[:200]} at {at}"
        seconds, mb = time.monotonic() - began, peak_mb() - before
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
        if children > LIMIT_MB:
            crash = crash or f"a process it started took {children:.0f} MB"
        if seconds > LIMIT_S:
            crash = crash or f"took {seconds:.1f} s"
        if mb > LIMIT_MB:
            crash = crash or f"took {mb:.0f} MB"
        _say(number=number, mutation=how, seconds=seconds, mb=mb, sentence=sentence, crash=crash)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    for name in ("first", "count", "seed"):
        parser.add_argument(name, type=int)
    given = parser.parse_args()
    _work(given.kind, given.first, given.count, given.seed)
