"""Inputs in a process of their own, watched: one that takes it down is found and named.

The child says that it begins with an input; the parent ends it after fifteen seconds on one.
Memory is the peak of the child's resident set over what it had before the input, and of the
processes it starts.
"""

import json
import os
import resource
import select
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["LIMIT_MB", "LIMIT_S", "Outcome", "Watched", "forget_peak", "made", "peak_mb"]

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


class Watched:
    """A process that reads one input after the other, begun anew where one has taken it down."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._child: subprocess.Popen[bytes] | None = None

    def outcome(self, kind: str, number: int, *, abort: bool = False) -> Outcome:
        """What becomes of an input of a format; ``abort``: of one on which the process aborts."""
        child = self._child = self._child or _started(self.seed)
        assert child.stdin is not None
        child.stdin.write(f"{kind} {number} {int(abort)}\n".encode())
        child.stdin.flush()
        told = _answer(child, _START_S)
        began = time.monotonic()
        if told is None:
            self.close()
            raise RuntimeError(f"the process never began with {kind}")
        told = _answer(child, LIMIT_S * 1.5)
        if told is not None:
            return Outcome(**told)
        taken = time.monotonic() - began
        why = "no answer in time" if taken > LIMIT_S else f"the process ended with {child.wait()}"
        self.close()
        return Outcome(number, _told(kind, number, self.seed), taken, 0, crash=why)

    def close(self) -> None:
        """End the process."""
        if self._child:
            self._child.kill()
            self._child.communicate()
            self._child = None


def _started(seed: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.fuzz.apart", str(seed)], cwd=ROOT,
        bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def _answer(child: "subprocess.Popen[bytes]", seconds: float) -> dict[str, Any] | None:
    """The line that the process says next; None where it ends, or says nothing for so long."""
    assert child.stdout is not None
    ready, _, _ = select.select([child.stdout], [], [], seconds)
    line = child.stdout.readline() if ready else b""
    return json.loads(line) if line else None


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


def _work(seed: int) -> None:
    """Read the inputs whose formats and numbers come in."""
    # The suite's own environment has none, and every film would be refused for want of a network.
    os.environ["PNEUMO_CHECKPOINTS"] = str(ROOT / "checkpoints")
    os.environ["PNEUMO_THREADS"] = "1"
    prepared = set()
    for line in sys.stdin:
        kind, number, abort = line.split()
        # no graph is written for each checkpoint
        os.environ["PNEUMO_ENGINE"] = "torch" if kind == "checkpoint" else "onnxruntime"
        if kind not in prepared:
            prepared.add(kind)
            _prepare(kind)
        name, data, how = made(kind, int(number), seed)
        _say(on=number)
        if int(abort):  # does the watching work?
            os.abort()
        seconds, mb, sentence, crash = _measured(kind, name, data)
        _say(
            number=int(number), mutation=how, seconds=seconds, mb=mb, sentence=sentence,
            crash=crash,
        )  # fmt: skip


def _prepare(kind: str) -> None:
    """Everything that is there before the first input, and a bound on what may come."""
    from tests.fuzz.targets import prepare

    prepare(kind)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = held + _GRACE_MB * 1_000_000
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


def _measured(kind: str, name: str, data: bytes) -> tuple[float, float, str, str]:
    """(seconds, megabytes, sentence, crash) of an input."""
    from tests.fuzz.targets import use

    crash = sentence = ""
    children, before, began = _children_mb(), forget_peak(), time.monotonic()
    try:
        sentence = use(kind, name, data)
    except BaseException as error:  # noqa: BLE001  whatever it is, it is what we look for
        where = traceback.extract_tb(error.__traceback__)[-4:]
        at = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(where))
        crash = f"{type(error).__name__}: {str(error)[:200]} at {at}"
    seconds, mb = time.monotonic() - began, peak_mb() - before
    if _children_mb() > max(children, LIMIT_MB):
        crash = crash or f"a process it started took {_children_mb():.0f} MB"
    if seconds > LIMIT_S:
        crash = crash or f"took {seconds:.1f} s"
    if mb > LIMIT_MB:
        crash = crash or f"took {mb:.0f} MB"
    return seconds, mb, sentence, crash


def _children_mb() -> float:
    """The largest resident set of any process that was started and has ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3


if __name__ == "__main__":
    _work(int(sys.argv[1]))
