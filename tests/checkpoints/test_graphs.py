"""A checkpoint's graphs open it without PyTorch, with PyTorch's numbers."""

import logging
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from pneumo_core.checkpoints import (
    Checkpoint,
    add_graphs,
    list_checkpoints,
    load_checkpoint,
    read_graphs,
)
from pneumo_core.explanations import METHODS, heat_map
from pneumo_core.inference import Runtime, open_runtime

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"
SHIPPED_NAMES = [each.name for each in list_checkpoints(SHIPPED)[0]]
_WITHOUT_TORCH = """
import sys
import numpy as np
from pneumo_core.explanations import heat_map
from pneumo_core.inference import open_runtime

runtime = open_runtime("pneumo")
film = np.random.default_rng(0).integers(0, 256, (runtime.size, runtime.size), dtype=np.uint8)
runtime.probabilities(film[np.newaxis])
heat_map(runtime, film, 1)
assert "torch" not in sys.modules
"""


@pytest.fixture
def mine(checkpoint: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    """A copy of the checkpoint of a network with random weights, with its graphs."""
    root = Path(shutil.copytree(checkpoint.folder.parent, tmp_path / "checkpoints"))
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(root))
    monkeypatch.setenv("PNEUMO_CACHE", str(tmp_path / "cache"))
    copy = load_checkpoint(checkpoint.name)
    assert add_graphs(copy)
    return copy


def films(runtime: Runtime) -> np.ndarray:
    shape = (2, runtime.size, runtime.size)
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def by_torch(runtime: Runtime) -> Runtime:
    members = (replace(each, engine=None, head=None) for each in runtime.members)
    return replace(runtime, members=tuple(members))


def exports(cache: Path) -> int:
    return len(list(cache.glob("graphs/*.onnx")))


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_a_shipped_checkpoint_has_graphs_that_give_pytorchs_numbers(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(SHIPPED))
    monkeypatch.setenv("PNEUMO_CACHE", str(tmp_path))
    runtime = open_runtime(name)
    assert exports(tmp_path) == 0
    seen = films(runtime)
    slow = by_torch(runtime).probabilities(seen)
    assert runtime.probabilities(seen) == pytest.approx(slow, abs=1e-5)


@pytest.fixture(scope="module")
def pooled() -> Runtime:
    """The default model; its networks are built once for all tests."""
    return open_runtime(load_checkpoint("pneumo", SHIPPED))


@pytest.mark.parametrize("method", [each for each in METHODS if METHODS[each].takes_layer])
@pytest.mark.parametrize("label", [0, 1])
def test_a_pooled_networks_heat_map_is_pytorchs(method: str, label: int, pooled: Runtime) -> None:
    assert pooled.members[0].head is not None
    for mirror in (False, True):
        fast = replace(pooled, mirror=mirror)
        film = films(fast)[0]
        given = heat_map(fast, film, label, method=method)
        wanted = heat_map(by_torch(fast), film, label, method=method)
        for part, right in zip(given.parts, wanted.parts, strict=True):
            assert part == pytest.approx(right, abs=1e-5 * float(right.max()) + 1e-9)


def test_the_default_model_and_its_heat_map_need_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(SHIPPED))
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_TORCH], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_graphs_spare_the_export(mine: Checkpoint, tmp_path: Path) -> None:
    open_runtime(mine)
    assert exports(tmp_path / "cache") == 0
    (mine.folder / "graphs.safetensors").unlink()
    open_runtime(mine)
    assert exports(tmp_path / "cache") == 1


def test_graphs_of_other_weights_are_not_used(mine: Checkpoint) -> None:
    assert len(read_graphs(mine)) == 1
    assert read_graphs(replace(mine, card=replace(mine.card, weights_sha256="0" * 64))) == ()


@pytest.mark.parametrize(
    "damage",
    [
        *("cut", "other logits"),
        *(
            pytest.param(each, marks=pytest.mark.thorough)
            for each in ("no tensors", "another graph")
        ),
    ],
)
def test_damaged_graphs_are_replaced_by_an_export(
    damage: str, mine: Checkpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = mine.folder / "graphs.safetensors"
    right = open_runtime(mine).probabilities(films(open_runtime(mine)))
    path.write_bytes(damaged(path, damage))
    with caplog.at_level(logging.WARNING):
        runtime = open_runtime(mine)
    assert exports(tmp_path / "cache") == 1
    assert caplog.text
    assert runtime.probabilities(films(runtime)) == pytest.approx(right, abs=1e-5)


def damaged(path: Path, damage: str) -> bytes:
    if damage == "cut":
        return path.read_bytes()[:1000]
    with safetensors.safe_open(path, "np") as file:
        facts = file.metadata()
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if damage == "other logits":
        arrays["logits 0"] = arrays["logits 0"] + 1
    elif damage == "no tensors":
        facts["graphs"] = '{"of": [0], "tensors": [[]]}'
    else:
        arrays["graph 0"] = np.zeros(100, np.uint8)
    return safetensors.numpy.save(arrays, facts)
