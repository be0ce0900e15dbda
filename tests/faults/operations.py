"""What is done to the disk, and what has to be true of it wherever a process was killed."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from pneumo_core.checkpoints import (
    Checkpoint,
    add_gate,
    delete_checkpoint,
    list_checkpoints,
    load_checkpoint,
    rename_checkpoint,
    save_checkpoint,
)
from pneumo_core.datasets import open_store, scan
from pneumo_core.datasets.download import delete_dataset, find_dataset, list_datasets, stage
from pneumo_core.embeddings import features_of
from pneumo_core.evaluation import dataset_scores
from pneumo_core.runs import list_runs, start_run
from pneumo_core.training import training_config
from tests.conftest import FEATURES, HISTORY, SCORES

__all__ = ["OPERATIONS", "shipped", "write_again"]

_GATE = {"directions": np.ones((3, 4), np.float32)}


def shipped(home: Path) -> Checkpoint:
    return load_checkpoint("small", home / "checkpoints")


def write_again(home: Path, name: str, shift: float, *, overwrite: bool = False) -> Checkpoint:
    """The shipped checkpoint under a name, its weights moved by so much."""
    old = shipped(home)
    weights = {k: v + shift for k, v in old.networks()[0].state_dict().items()}
    parts = {"scores": SCORES, "features": FEATURES, "history": HISTORY}
    card = replace(old.card, name=name)
    return save_checkpoint(card, weights, **parts, root=home / "checkpoints", overwrite=overwrite)


def _whole(checkpoint: Checkpoint) -> float:
    """Which weights it has: how far they are from those of the shipped one."""
    weight = next(iter(checkpoint.networks()[0].state_dict().values()))
    own = next(iter(shipped(checkpoint.folder.parents[1]).networks()[0].state_dict().values()))
    assert len(checkpoint.scores) == len(checkpoint.features)
    assert len(checkpoint.history)
    return round(float(torch.median(weight - own)), 3)


def _sound(home: Path) -> dict[str, float]:
    """Every checkpoint that people see, whole, by name."""
    found, problems = list_checkpoints(home / "checkpoints")
    assert not problems, problems
    return {each.name: _whole(each) for each in found}


def _publish(home: Path) -> None:
    write_again(home, "new", 0.5)


def _published(home: Path) -> None:
    there = _sound(home)
    assert {**there, "new": 0.5} == {"small": 0, "mine": 0.25, "new": 0.5}
    if "new" not in there:
        _publish(home)


def _replace(home: Path) -> None:
    write_again(home, "mine", 0.5, overwrite=True)


def _replaced(home: Path) -> None:
    assert _sound(home) in ({"small": 0, "mine": 0.25}, {"small": 0, "mine": 0.5})
    _replace(home)
    assert _sound(home) == {"small": 0, "mine": 0.5}


def _rename(home: Path) -> None:
    rename_checkpoint(load_checkpoint("mine", home / "checkpoints"), "other")


def _renamed(home: Path) -> None:
    assert _sound(home) in ({"small": 0, "mine": 0.25}, {"small": 0, "other": 0.25})


def _delete(home: Path) -> None:
    delete_checkpoint(load_checkpoint("mine", home / "checkpoints"))


def _deleted(home: Path) -> None:
    there = _sound(home)
    assert {**there, "mine": 0.25} == {"small": 0, "mine": 0.25}
    if "mine" in there:
        _delete(home)


def _fit(home: Path) -> None:
    add_gate(load_checkpoint("mine", home / "checkpoints"), _GATE)


def _fitted(home: Path) -> None:
    assert _sound(home) == {"small": 0, "mine": 0.25}
    gate = load_checkpoint("mine", home / "checkpoints").gate
    assert gate is None or np.array_equal(gate["directions"], _GATE["directions"])
    _fit(home)


def _add(home: Path) -> None:
    stage(home / "films.zip", "new").keep()


def _added(home: Path) -> None:
    names = {each.name for each in list_datasets()}
    assert names in ({"old"}, {"old", "new"})
    if "new" not in names:
        _add(home)
    assert [len(scan(find_dataset(name).location)) for name in ("old", "new")] == [6, 8]


def _drop(home: Path) -> None:
    delete_dataset("old")


def _dropped(home: Path) -> None:
    if list_datasets():
        assert len(scan(find_dataset("old").location)) == 6
        _drop(home)
    assert not list_datasets()


def _compute(home: Path) -> None:
    films, checkpoint = scan(home / "home" / "datasets" / "old"), shipped(home)
    store = open_store(films, 32)
    scores = dataset_scores(checkpoint, films)
    features = features_of(checkpoint, films)
    said = [float(np.sum(store.pixels)), float(scores.table["probability"].sum())]
    said.append(float(np.abs(features.values).sum()))
    right = home.parent / "right.json"
    if right.exists():
        assert np.allclose(said, json.loads(right.read_text()), rtol=1e-3)
    else:
        right.write_text(json.dumps(said))


def _queue(home: Path) -> None:
    config = training_config(model="cnn_v2", epochs=1)
    start_run(home / "home" / "datasets" / "old", "run", config, numbered=True)


def _queued(home: Path) -> None:
    _, problems = list_runs()
    assert not problems, problems
    _queue(home)
    assert len(list_runs()[0]) in (1, 2)


Act = Callable[[Path], None]
OPERATIONS: Mapping[str, tuple[Act, Act]] = {
    "publish a checkpoint": (_publish, _published),
    "replace a checkpoint": (_replace, _replaced),
    "rename a checkpoint": (_rename, _renamed),
    "delete a checkpoint": (_delete, _deleted),
    "fit a gate": (_fit, _fitted),
    "add a dataset": (_add, _added),
    "delete a dataset": (_drop, _dropped),
    "decode, score, take features": (_compute, _compute),
    "queue a run": (_queue, _queued),
}
"""By name: what is done, and what looks at the disk afterwards; each gets the home."""
