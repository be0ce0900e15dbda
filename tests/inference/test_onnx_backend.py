"""ONNX Runtime gives PyTorch's numbers, or leaves the network to PyTorch."""

import gc
import logging
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from cachetools import TTLCache
from torch import Tensor, nn

from pneumo_core.explanations import heat_map
from pneumo_core.inference import (
    Engine,
    Runtime,
    accelerated,
    forget_answers,
    open_engine,
    open_runtime,
)
from pneumo_core.models import InputFormat, PneumoniaNetwork, build_network, find_model

SHIPPED = Path(__file__).resolve().parents[2] / "checkpoints"
INPUT = InputFormat(size=16, channels=1, mean=(0.485,), std=(0.229,))


def small(activation: nn.Module | None = None, seed: int = 0) -> PneumoniaNetwork:
    """A small network that tells left from right; five features."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        features = nn.Sequential(nn.Conv2d(1, 6, 3), activation or nn.LeakyReLU())
        neck = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 5), nn.Tanh())
        network = PneumoniaNetwork(features, neck, nn.Linear(5, 2))
    return network.eval().requires_grad_(False)


def noise(n: int, size: int = 16, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, size, size), dtype=np.uint8)


def eager(runtime: Runtime) -> Runtime:
    return replace(runtime, members=tuple(replace(m, engine=None) for m in runtime.members))


# --- PyTorch's numbers -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["cnn_94", "cnn_v2", "efficientnet_b0"])
def test_a_shipped_checkpoint_gives_pytorchs_numbers(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(SHIPPED))
    runtime = open_runtime(name)
    assert runtime.members[0].engine is not None
    films = noise(3, runtime.size)
    fast, slow = runtime.run(films, cells=True), eager(runtime).run(films, cells=True)
    assert runtime.calibrated(fast.margins) == pytest.approx(
        runtime.calibrated(slow.margins), abs=1e-4
    )
    for stage in ("features", "cells"):
        close = 1e-4 * max(1.0, float(np.abs(getattr(slow, stage)).max()))
        assert getattr(fast, stage) == pytest.approx(getattr(slow, stage), abs=close)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "cnn_94",
        "cnn_v2",
        "efficientnet_b0",
        "timm:resnet18",
        "timm:convnext_atto",
        "timm:mobilenetv3_small_050",
    ],
)
def test_every_architecture_gives_pytorchs_numbers(name: str) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(name).eval().requires_grad_(False)
    runtime = accelerated(Runtime.of(network, find_model(name).input, mirror=True))
    assert runtime.members[0].engine is not None
    films = noise(2, runtime.size)
    assert runtime.probabilities(films) == pytest.approx(
        eager(runtime).probabilities(films), abs=1e-4
    )


@pytest.mark.parametrize("mirror", [False, True])
def test_a_film_alone_is_the_film_in_a_batch(mirror: bool) -> None:
    runtime = accelerated(Runtime.of(small(), INPUT, mirror=mirror))
    films = noise(5)
    together = runtime.probabilities(films)
    alone = [runtime.probabilities(film[None])[0] for film in films]
    assert together == pytest.approx(alone, abs=1e-6)


def test_many_batches_over_several_threads_keep_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PNEUMO_THREADS", "3")
    monkeypatch.setenv("PNEUMO_BATCH", "2")
    runtime, films = accelerated(Runtime.of(small(), INPUT)), noise(15)
    told: list[int] = []
    rows = np.arange(15)[::-1]
    outputs = runtime.run_rows(films, rows, lambda done, _: told.append(done), cells=True)
    slow = eager(runtime).run(films[rows], cells=True)
    assert outputs.margins == pytest.approx(slow.margins, abs=1e-5)
    assert outputs.cells == pytest.approx(slow.cells, abs=1e-5)
    assert told == [2, 4, 6, 8, 10, 12, 14, 15]


def test_people_who_ask_at_once_get_their_own_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMO_THREADS", "2")
    runtime = accelerated(Runtime.of(small(), INPUT, mirror=True))
    films = [noise(1, seed=seed) for seed in range(24)]
    alone = [eager(runtime).probabilities(film)[0] for film in films]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda film: runtime.probabilities(film)[0], films * 6))
    assert together == pytest.approx(alone * 6, abs=1e-5)


@pytest.mark.parametrize("method", ["grad_cam", "layer_cam", "activation"])
def test_a_heat_map_is_pytorchs(method: str) -> None:
    runtime = accelerated(Runtime.of(small(), INPUT, mirror=True))
    film = noise(1)[0]
    (fast,) = heat_map(runtime, film, 1, method=method).parts
    (slow,) = heat_map(eager(runtime), film, 1, method=method).parts
    assert fast == pytest.approx(slow, abs=1e-5)


def test_a_film_and_its_mirror_image_are_not_taken_for_two_films() -> None:
    network, film = small(), noise(1)
    engine = open_engine(network, INPUT)
    assert engine is not None
    two = np.concatenate([film, film[:, :, ::-1]])
    assert len(engine.run(two).logits) == 2
    assert len(engine.run(film).logits) == 1
    assert engine.run(film).logits is engine.run(film).logits
    assert np.array_equal(engine.run(two).logits, engine.run(two.copy()).logits)


# --- what is kept ----------------------------------------------------------------------------


def test_a_graph_is_written_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PNEUMO_CACHE", str(tmp_path))
    open_engine(small(), INPUT)
    (file,) = (tmp_path / "graphs").iterdir()
    written = file.read_bytes(), file.stat().st_ino
    open_engine(small(), INPUT)
    assert (file.read_bytes(), file.stat().st_ino) == written


@pytest.mark.parametrize(
    "other",
    [
        (small(seed=1), INPUT),
        (small(nn.ReLU()), INPUT),
        (small(), replace(INPUT, mean=(0.1,))),
    ],
    ids=["weights", "layers", "input"],
)
def test_another_network_has_another_graph(
    other: tuple[PneumoniaNetwork, InputFormat], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PNEUMO_CACHE", str(tmp_path))
    open_engine(small(), INPUT)
    open_engine(*other)
    assert len(list((tmp_path / "graphs").iterdir())) == 2


def test_a_damaged_graph_is_written_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PNEUMO_CACHE", str(tmp_path))
    open_engine(small(), INPUT)
    (file,) = (tmp_path / "graphs").iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    assert open_engine(small(), INPUT) is not None
    assert file.read_bytes() == whole
    assert "is damaged and is exported again" in caplog.text


def test_a_cache_that_cannot_be_written_to_costs_only_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("PNEUMO_CACHE", str(tmp_path / "file"))
    engine = open_engine(small(), INPUT)
    assert engine is not None
    assert engine.single.run(noise(3)).logits.shape == (3, 2)
    assert "graph can't be cached" in caplog.text


# --- what stays with PyTorch -----------------------------------------------------------------


class _OfTheFirstFilm(nn.Module):
    """What a traced graph gets wrong: it depends on the values of a film."""

    def forward(self, films: Tensor) -> Tensor:
        return films * (1.0 if float(films[0, 0].std()) > 0.01 else -1.0)


class _NotAGraph(nn.Module):
    def forward(self, films: Tensor) -> Tensor:
        return torch.linalg.matrix_exp(films)


@pytest.mark.parametrize("layer", [_OfTheFirstFilm(), _NotAGraph()], ids=["differs", "fails"])
def test_what_cannot_be_a_graph_is_run_by_pytorch(
    layer: nn.Module, caplog: pytest.LogCaptureFixture
) -> None:
    network = small(layer)
    films = noise(3)
    with caplog.at_level(logging.WARNING):
        runtime = accelerated(Runtime.of(network, INPUT))
    assert runtime.members[0].engine is None
    assert "runs in PyTorch" in caplog.text
    assert np.array_equal(runtime.run(films).margins, Runtime.of(network, INPUT).run(films).margins)


def test_pytorch_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMO_ENGINE", "torch")
    assert open_engine(small(), INPUT) is None


def test_a_network_that_is_learning_stays_with_pytorch() -> None:
    network = small().train()
    assert open_engine(network, INPUT) is None
    assert network.training


def test_the_network_is_left_as_it_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    network, random = small(), torch.get_rng_state()
    open_engine(network, INPUT)
    assert torch.equal(torch.get_rng_state(), random)
    assert not any(module.training or module._forward_hooks for module in network.modules())


def test_an_engine_runs_its_own_network_only() -> None:
    (member,) = accelerated(Runtime.of(small(), INPUT)).members
    with pytest.raises(ValueError, match="another network"):
        replace(member, of=small(seed=1))


# --- what it remembers -----------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> tuple[Engine, list[int]]:
    """An engine, and a list that grows with each batch that it computes."""
    engine = open_engine(small(), INPUT)
    assert engine is not None
    computed: list[int] = []
    run = engine.raw

    def raw(films: np.ndarray) -> tuple[np.ndarray, ...]:
        computed.append(len(films))
        return run(films)

    monkeypatch.setattr(engine, "raw", raw)
    return engine, computed


def test_a_film_is_computed_once_until_it_is_forgotten(counted: tuple[Engine, list[int]]) -> None:
    engine, computed = counted
    engine.run(noise(1))
    engine.run(noise(1))
    assert computed == [1]
    forget_answers(all_of_them=False)  # nothing is old yet
    engine.run(noise(1))
    assert computed == [1]
    forget_answers()
    engine.run(noise(1))
    assert computed == [1, 1]


def test_maps_of_a_film_leave_memory_in_time(
    counted: tuple[Engine, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(
        "pneumo_core.inference.onnx_backend.TTLCache",
        lambda most, ttl: TTLCache(most, ttl, timer=lambda: now[0]),
    )
    engine = counted[0].__class__(counted[0].of, counted[0]._graph, 1)
    maps = weakref.ref(engine.run(noise(1)).maps)
    now[0] = 59.0
    forget_answers(all_of_them=False)
    assert maps() is not None
    now[0] = 61.0
    forget_answers(all_of_them=False)
    gc.collect()
    assert maps() is None


def test_forgotten_maps_are_gone_also_from_the_single_engine() -> None:
    engine = open_engine(small(), INPUT)
    assert engine is not None
    single = Engine(engine.of, engine._graph, 1)
    kept = [weakref.ref(each.run(noise(1)).maps) for each in (engine, single)]
    forget_answers()
    gc.collect()
    assert [each() for each in kept] == [None, None]


def test_few_films_are_remembered(counted: tuple[Engine, list[int]]) -> None:
    engine, computed = counted
    for seed in range(20):
        engine.run(noise(1, seed=seed))
    assert len(engine._answers) == 8
    engine.run(noise(1, seed=19))
    assert len(computed) == 20


def test_threads_may_forget_while_others_read(counted: tuple[Engine, list[int]]) -> None:
    engine, _ = counted
    expected = [engine.run(noise(1, seed=seed)).logits for seed in range(12)]

    def work(turn: int) -> bool:
        if turn % 5 == 0:
            forget_answers(all_of_them=turn % 2 == 0)
        seed = turn % 12
        return np.array_equal(engine.run(noise(1, seed=seed)).logits, expected[seed])

    with ThreadPoolExecutor(8) as several:
        assert all(several.map(work, range(400)))
