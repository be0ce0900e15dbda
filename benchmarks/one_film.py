"""How long a film takes on the server when it is opened from the list: probability and heat map.

    python benchmarks/one_film.py FILM [--model NAME] [--runs N]

FILM is a file of original size. Each stage is timed on its own, after one warm-up, N times; the
figures are medians with the fastest and the slowest run.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from pneumo_core.data import read_radiograph
from pneumo_core.reading import open_reader


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("film", type=Path)
    parser.add_argument("--model", default="efficientnet_b0")
    parser.add_argument("--runs", type=int, default=20)
    given = parser.parse_args()

    content = given.film.read_bytes()
    reader = open_reader(given.model)
    radiograph = read_radiograph(content, name=given.film.name)
    facts = radiograph.facts
    print(
        f"{given.model} (mirror {reader.runtime.mirror}, {len(reader.runtime.members)} networks), "
        f"{facts.width} × {facts.height} pixels, {torch.get_num_threads()} threads"
    )
    stages: dict[str, Callable[[], object]] = {
        "decode the file": lambda: read_radiograph(content, name=given.film.name),
        "gate and probability": lambda: reader.read(radiograph),
        "Grad-CAM": lambda: reader.heat_map(radiograph, 1),
    }
    medians = [_measure(name, work, given.runs) for name, work in stages.items()]
    print(f"{'probability and Grad-CAM':24} {sum(medians[1:]):7.1f} ms")
    print(f"{'with decoding':24} {sum(medians):7.1f} ms")


def _measure(name: str, work: Callable[[], object], runs: int) -> float:
    work()
    took = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - started))
    median = statistics.median(took)
    print(f"{name:24} {median:7.1f} ms  ({min(took):.1f} to {max(took):.1f})")
    return median


if __name__ == "__main__":
    main()
