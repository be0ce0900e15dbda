"""How time and memory grow with the number of films, from scanning to t-SNE.

    python -m benchmarks --only growth [--full]

Each step runs in a process of its own on copies of a few films that differ in their bytes. 100,000
films take half an hour and about 2 GB of disk: only with --full.
"""

import os
import shutil
import sys
from pathlib import Path

from benchmarks.apart import timed
from benchmarks.films import folder_of_copies, small_films
from benchmarks.row import Row, Spread, seconds_of
from pneumo_core.datasets import Dataset, open_store, scan

STEPS = ("scan", "decode", "predict", "embed", "t-SNE of")
CURVED = ("t-SNE of",)
"""Steps whose cost per X-ray may grow: each X-ray is compared with all others."""
MODEL = "cnn_94"


def rows(home: Path, *, quick: bool, full: bool = False) -> list[Row]:
    """Each step at each number of X-rays: what an X-ray costs should stay the same."""
    counts = (200, 1000) if quick else (1000, 10_000)
    counts = (*counts, 100_000) if full else counts
    small, found = small_films(home)[:200], []
    least: dict[str, float] = {}
    for count in counts:
        folder = folder_of_copies(small, home / f"growth-{count}", count)
        for step in STEPS:
            _, peak, said = timed(_command(step, folder, home))
            seconds = float(said)
            a_film = 1e3 * seconds / count
            least.setdefault(step, a_film)
            found.append(
                Row(
                    name=f"{step} {count:,} X-rays",
                    unit="ms an X-ray",
                    ours=Spread.of([a_film]),
                    at_most=None
                    if count == counts[0] or step in CURVED
                    else round(1.3 * least[step], 2),
                    note=f"{seconds:.1f} s in all, {peak:.0f} MB at most",
                )
            )
    return found


def _command(step: str, folder: Path, home: Path) -> list[str]:
    return [sys.executable, "-m", "benchmarks.growth", step, str(folder), str(home)]


def main() -> None:
    """One step on one folder, its seconds printed; "decode" leaves its store to those after it."""
    step, folder, home = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    os.environ["PNEUMO_HOME"] = str(home)
    if step == "scan":
        print(seconds_of(lambda: scan(folder)))
        return
    dataset = scan(folder)
    if step == "decode":
        shutil.rmtree(home / "stores", ignore_errors=True)
        print(seconds_of(lambda: open_store(dataset, 100, home=home)))
        return
    print(_with_a_network(step, dataset, home))


def _with_a_network(step: str, dataset: Dataset, home: Path) -> float:
    """Seconds of a step that needs torch or a checkpoint's features, which are loaded before."""
    from benchmarks.tsne import repeated
    from pneumo_core.checkpoints import load_checkpoint
    from pneumo_core.embeddings import features_of, project
    from pneumo_core.inference import open_runtime

    checkpoint = load_checkpoint(MODEL)
    if step == "t-SNE of":
        values, _ = repeated(checkpoint, len(dataset.films))
        return seconds_of(lambda: project(values, "tsne"))
    runtime, store = open_runtime(checkpoint), open_store(dataset, 100)
    if step == "predict":
        return seconds_of(lambda: runtime.run_store(store, list(store.ids)))
    shutil.rmtree(home / "features", ignore_errors=True)
    return seconds_of(lambda: features_of(checkpoint, dataset, runtime=runtime))


if __name__ == "__main__":
    main()
