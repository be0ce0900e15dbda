"""``pneumo predict --out`` with both engines, and from a local S3, against a loop by hand.

    python -m benchmarks.batch_engines [--films 2000] [--model cnn_v2] [--rounds 1] [--only s3 ...]

Each runs in turn, as a command of its own. The S3 is moto's server, which needs processors, too.
Processor seconds are those of all a command's processes, also of Ray's, and say more than the clock
on a machine with other work. Prints a Markdown table.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.apart import free_port
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
    parser.add_argument("--only", nargs="+", default=["by hand", "local", "ray", "s3"])
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
            with _bucket(films) if name == "s3" else nullcontext(str(films)) as source:
                costs[name].append(cost_of(_command(name, source, out, given.model)))
    for name, each in costs.items():
        clock, processor, memory = (
            statistics.median(getattr(cost, fact) for cost in each)
            for fact in ("clock", "processor", "memory")
        )
        print(f"| {name} | {processor:.1f} | {clock:.1f} | {memory:.0f} |")


@contextmanager
def _bucket(films: Path) -> Iterator[str]:
    """Serve the films from a bucket on this machine; its URL. Needs moto and s3fs."""
    import s3fs  # type: ignore[import-untyped]

    port = free_port()
    os.environ.update(
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}",
        AWS_ACCESS_KEY_ID="key",
        AWS_SECRET_ACCESS_KEY="secret",
        AWS_DEFAULT_REGION="us-east-1",
    )
    serve = "from moto.server import main; main()"
    command = [sys.executable, "-c", serve, "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        store = s3fs.S3FileSystem()
        store.mkdir("films")
        store.put(str(films), "films/all", recursive=True)
        yield "s3://films/all"
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int, seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(_EVERY)
    raise TimeoutError("The S3 server did not start.")


def _command(name: str, films: str, out: Path, model: str) -> list[str]:
    workers = os.environ.get("PNEUMO_THREADS") or str(cores())
    if name == "by hand":
        loop = [sys.executable, "-m", "benchmarks.batch_loop"]
        return [*loop, films, str(out), model, workers]
    ours = [sys.executable, "-m", "pneumo_core", "predict", films, "--model", model]
    engine = "ray" if name == "ray" else "local"
    return [*ours, "--out", str(out), "--engine", engine, "--workers", workers]


if __name__ == "__main__":
    main()
