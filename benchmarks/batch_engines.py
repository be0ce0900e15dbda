"""``pneumo predict --out`` with both engines against a loop by hand.

    python -m benchmarks.batch_engines [--films 2000] [--model cnn_v2] [--rounds 1]

Each runs in turn, as a command of its own. Processor seconds are those of all its processes, also
of Ray's, and say more than the clock on a machine with other work. Prints a Markdown table.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.films import folder_of_copies, small_films
from benchmarks.report import machine
from pneumo_core.core.settings import cores, settings

__all__ = ["Cost", "cost_of"]

_EVERY = 0.2


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock and of processors, and the peak resident memory in MB, of a command."""

    clock: float
    processor: float
    memory: float


def cost_of(command: list[str], environment: dict[str, str] | None = None) -> Cost:
    """Run a command to its end; raise CalledProcessError unless its status is 0 or 1.

    Its processes are looked at every 0.2 s, so what one computes in its last moment is not
    counted. Memory is the sum of what each has resident; what they share counts for each.
    """
    started, spent, most = time.perf_counter(), dict[psutil.Process, float](), 0.0
    process = psutil.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    while process.poll() is None:
        memory = 0.0
        for each in _tree(process):
            seconds, bytes_ = _look(each)
            spent[each] = max(seconds, spent.get(each, 0.0))
            memory += bytes_
        most = max(most, memory)
        time.sleep(_EVERY)
    if process.returncode not in (0, 1):  # 1: an X-ray was refused
        raise subprocess.CalledProcessError(process.returncode, command)
    return Cost(time.perf_counter() - started, sum(spent.values()), most / 1e6)


def _tree(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []


def _look(process: psutil.Process) -> tuple[float, float]:
    try:
        times = process.cpu_times()
        return times.user + times.system, float(process.memory_info().rss)
    except psutil.Error:
        return 0.0, 0.0


def main() -> None:
    """Measure what is asked for, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, default=2000)
    parser.add_argument("--model", default="cnn_v2")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", nargs="+", default=["by hand", "local", "ray"])
    given = parser.parse_args()
    home = settings().home / "benchmarks"
    films = folder_of_copies(small_films(home), home / f"batch-{given.films}", given.films)
    print(f"{given.films:,} films of 224 pixels, {given.model}, {machine()}\n")
    print("| | processor s | clock s | memory MB |\n|---|---|---|---|")
    costs: dict[str, list[Cost]] = {name: [] for name in given.only}
    for _ in range(given.rounds):
        for name in given.only:
            out = home / "batch-out"
            shutil.rmtree(out, ignore_errors=True)
            costs[name].append(cost_of(_command(name, films, out, given.model)))
    for name, each in costs.items():
        clock, processor, memory = (
            statistics.median(getattr(cost, fact) for cost in each)
            for fact in ("clock", "processor", "memory")
        )
        print(f"| {name} | {processor:.1f} | {clock:.1f} | {memory:.0f} |")


def _command(name: str, films: Path, out: Path, model: str) -> list[str]:
    workers = os.environ.get("PNEUMO_THREADS") or str(cores())
    if name == "by hand":
        loop = [sys.executable, "-m", "benchmarks.batch_loop"]
        return [*loop, str(films), str(out), model, workers]
    ours = [sys.executable, "-m", "pneumo_core", "predict", str(films), "--model", model]
    return [*ours, "--out", str(out), "--engine", name, "--workers", workers]


if __name__ == "__main__":
    main()
