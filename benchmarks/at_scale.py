"""What 1,000 to 100,000 X-rays cost, command by command; then a million scores and features.

    python -m benchmarks.at_scale [--films 1000 10000 100000] [--model cnn_v2] [--million]

The X-rays are noisy copies of a few, 224 pixels wide: the worst case for the search for near
copies. Each command is a process of its own, with all cores. 100,000 take about 1 GB of disk.
Prints a Markdown table.
"""

import argparse
import io
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from benchmarks.batch_engines import cost_of
from benchmarks.films import small_films
from benchmarks.report import machine
from pneumo_core.core.settings import settings

_PICTURES = 200
_NOISE = 3.0
_FEATURES = 64
_SHARD = 500
_MILLION = 1_000_000


def main() -> None:
    """Measure what is asked for, and print a row for each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--films", type=int, nargs="+", default=[1000, 10_000, 100_000])
    parser.add_argument("--model", default="cnn_v2")
    parser.add_argument("--million", action="store_true", help="scores and features, no X-rays")
    given = parser.parse_args()
    home = settings().home / "benchmarks" / "at-scale"
    print(machine())
    print("\n| X-rays | command | clock s | processor s | processor ms an X-ray | memory MB |")
    print("|---|---|---|---|---|---|", flush=True)
    if given.million:
        _measure(_MILLION, _of_a_million(home))
    else:
        for count in given.films:
            _measure(count, _of_films(home, count, given.model))


def _measure(count: int, commands: Iterator[tuple[str, Sequence[object]]]) -> None:
    for name, command in commands:
        cost = cost_of([sys.executable, "-m", "pneumo_core", *map(str, command)])
        each = 1e3 * cost.processor / count
        print(
            f"| {count:,} | {name} | {cost.clock:.1f} | {cost.processor:.1f} | {each:.3g} | "
            f"{cost.memory:.0f} |",
            flush=True,
        )


def _of_films(home: Path, count: int, model: str) -> Iterator[tuple[str, Sequence[object]]]:
    """Yield commands on so many X-rays, each name once what it needs is there."""
    films = _noisy_copies(home / f"films-{count}", count)
    out = home / f"out-{count}"
    shutil.rmtree(out, ignore_errors=True)
    choice = ("--model", model)
    yield "predict --out", ("predict", films, "--out", out / "results", *choice)
    yield "embed --out", ("embed", films, "--out", out / "features", *choice)
    yield "data inspect", ("data", "inspect", films)
    yield "data inspect, again", ("data", "inspect", films)
    scores = _labelled(out / "results", out / "scores.parquet")
    yield "evaluate --scores", ("evaluate", "--scores", scores, "--threshold", 0.5)
    for method in ("tsne", "pca"):
        mapped = out / f"{method}.parquet"
        yield f"embed, {method}", ("embed", out / "features", "--method", method, "--out", mapped)


def _of_a_million(home: Path) -> Iterator[tuple[str, Sequence[object]]]:
    """Yield commands on made-up scores and features."""
    folder = home / "million"
    if not (folder / "scores.parquet").is_file():
        _make_a_million(folder)
    scores = folder / "scores.parquet"
    yield "evaluate --scores", ("evaluate", "--scores", scores, "--threshold", 0.5)
    for method in ("pca", "tsne"):
        mapped = settings().home / "maps" / f"million-{method}.parquet"
        mapped.parent.mkdir(exist_ok=True)
        features = folder / "features"
        yield f"embed, {method}", ("embed", features, "--method", method, "--out", mapped)


def _noisy_copies(folder: Path, count: int) -> Path:
    """Return a dataset folder of X-rays that differ by noise; a third are normal."""
    done = folder.with_suffix(".done")
    if done.is_file():
        return folder
    random = np.random.default_rng(0)
    files = small_films(folder.parent)[:_PICTURES]
    pictures = [np.asarray(Image.open(file).convert("L"), np.float32) for file in files]
    for number in range(count):
        label = "NORMAL" if number % 3 == 0 else "PNEUMONIA"
        target = folder / "test" / label / f"person{number}_virus_1.jpeg"
        target.parent.mkdir(parents=True, exist_ok=True)
        picture = pictures[number % len(pictures)]
        noise = random.normal(0, _NOISE, picture.shape)
        noisy = np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(noisy).save(file, "jpeg", quality=75)
        target.write_bytes(file.getvalue())
    done.touch()
    return folder


def _labelled(results: Path, target: Path) -> Path:
    """Write the results' probabilities with the labels that the folders' names give."""
    table = pd.read_parquet(results, columns=["file", "probability"])
    label = table["file"].str.contains("PNEUMONIA").astype(int)
    table = table.assign(id=table["file"], label=label).dropna()
    table[["id", "label", "probability"]].to_parquet(target)
    return target


def _make_a_million(folder: Path) -> None:
    """Write scores, and a folder of features as ``pneumo embed --out`` writes it."""
    random = np.random.default_rng(0)
    features = folder / "features"
    features.mkdir(parents=True, exist_ok=True)
    facts = '{"kind": "embed", "model": "made-up", "version": "1", "layer": "penultimate"}'
    centres, scores = 3 * random.normal(size=(12, _FEATURES)), []
    for shard in range(_MILLION // _SHARD):
        cluster = random.integers(0, len(centres), _SHARD)
        values = (centres[cluster] + random.normal(size=(_SHARD, _FEATURES))).astype(np.float32)
        label = (cluster > len(centres) // 3).astype(np.int8)
        probability = 1 / (1 + np.exp(-random.normal(3 * label - 1.5, 1.5)))
        names = [f"site{shard % 7}/film-{shard * _SHARD + row:07d}.png" for row in range(_SHARD)]
        rows = {
            "file": names,
            "id": names,
            "patient": [f"patient-{name[-11:-5]}" for name in names],
            "split": ["test"] * _SHARD,
            "label": label,
            "status": ["read"] * _SHARD,
            "reasons": pa.array([[]] * _SHARD, pa.list_(pa.string())),
            "probability": probability,
            "features": pa.array(list(values), pa.list_(pa.float32())),
        }
        table = pa.table(rows).replace_schema_metadata({"pneumo": facts})
        pq.write_table(table, features / f"part-{shard:06d}.parquet", compression="zstd")
        scores.append(table.select(["id", "patient", "label", "probability"]))
    pq.write_table(pa.concat_tables(scores), folder / "scores.parquet")


if __name__ == "__main__":
    main()
