"""``pneumo predict`` on a folder against an eager PyTorch loop with a DataLoader.

python -m benchmarks --only many_films
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.apart import timed
from benchmarks.films import folder_of_copies, original_films, small_films
from benchmarks.row import Row, Spread
from pneumo_core.reading import open_reader

MODEL = "efficientnet_b0"
COUNTS = {"224 pixels": (5840, 160), "original size": (500, 48)}


def rows(home: Path, *, quick: bool) -> list[Row]:
    """Both sizes of X-rays, memory, and two people at once."""
    open_reader(MODEL)  # the first start ever writes the graph
    films = {"224 pixels": small_films(home), "original size": original_films(home)}
    found = []
    for size, counts in COUNTS.items():
        folder = folder_of_copies(
            films[size], home / f"many-{size[:3]}-{counts[quick]}", counts[quick]
        )
        found += _row(size, folder, counts[quick], repeats=1)
    return [*found, _two_people(films["224 pixels"])]


def _row(size: str, folder: Path, count: int, repeats: int) -> list[Row]:
    ours = [sys.executable, "-m", "pneumo_core", "predict", "--json", "--model", MODEL]
    theirs = [sys.executable, "-m", "benchmarks.peer", MODEL]
    half = next(path for path in sorted(folder.iterdir()) if path.name == "test")
    few = timed([*ours, str(half)])
    taken: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in range(repeats):
        seconds, peak, said = timed([*ours, str(folder)])
        taken["ours"].append(seconds)
        seconds, peer_peak, also_said = timed([*theirs, str(folder)])
        taken["peer"].append(seconds)
    return [
        Row(
            name=f"{MODEL}: {count:,} X-rays of {size}",
            unit="s",
            ours=Spread.of(taken["ours"]),
            peer=Spread.of(taken["peer"]),
            times_peer=3,
            note=f"probabilities differ by {_apart(said, also_said):.1g} at most; "
            f"peer {peer_peak:.0f} MB beside its workers",
        ),
        Row(
            name=f"{MODEL}: memory for {count:,} X-rays of {size}",
            unit="MB",
            ours=Spread.of([peak]),
            at_most=round(1.15 * few[1]),
            note=f"{few[1]:.0f} MB for {count // 8:,} X-rays: it does not grow",
        ),
    ]


def _apart(said: str, also_said: str) -> float:
    """Largest difference between the probabilities of X-rays that both read."""
    ours, theirs = (
        {r["file"]: r["probability"] for r in map(json.loads, lines.splitlines())}
        for lines in (said, also_said)
    )
    both = [name for name, p in ours.items() if p is not None and name in theirs]
    return max((abs(ours[name] - theirs[name]) for name in both), default=float("nan"))


def _two_people(films: list[Path]) -> Row:
    """How long an X-ray takes while another person reads X-rays too, in the same server."""
    reader, alone, together = open_reader(MODEL), [], []
    chosen = films[:48]

    def read(film: Path) -> float:
        started = time.perf_counter()
        reader.read_file(film)
        return 1e3 * (time.perf_counter() - started)

    read(chosen[0])
    alone = [read(film) for film in chosen]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(read, chosen * 2))
    ours, one = Spread.of(together), Spread.of(alone)
    return Row(
        name=f"{MODEL}: an X-ray while someone else reads X-rays",
        unit="ms",
        ours=ours,
        at_most=round(2 * one.median, 1),
        note=f"alone {one.median:.1f} ms: at most twice as long",
    )
