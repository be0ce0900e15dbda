"""Margins worked out by hand, batches that don't depend on themselves, networks left alone."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import scan
from pneumo_core.errors import UnknownName
from pneumo_core.inference import Runtime, open_runtime
from pneumo_core.metrics import Calibration
from pneumo_core.models import InputFormat, PneumoniaNetwork

PLAIN = InputFormat(size=2, channels=1, mean=(0.0,), std=(1.0,))


def by_hand() -> Runtime:
    """Two channels, the film and its negative; each summed up; logits from fixed weights.

    features: a = x, b = -x. neck: A = sum of a, B = sum of b.
    head: NORMAL = 3 B, PNEUMONIA = 2 A - B + 1.
    """
    convolution = nn.Conv2d(1, 2, 1)
    linear = nn.Linear(2, 2)
    with torch.no_grad():
        convolution.weight.copy_(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1))
        convolution.bias.zero_()
        linear.weight.copy_(torch.tensor([[0.0, 3.0], [2.0, -1.0]]))
        linear.bias.copy_(torch.tensor([0.0, 1.0]))
    network = PneumoniaNetwork(convolution, _Summed(), linear)
    return Runtime.of(network.eval(), PLAIN, Calibration(2.0))


class _Summed(nn.Module):
    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps.sum(dim=(2, 3))


def symmetric(size: int = 16) -> Runtime:
    """A small network that can't tell left from right: kernels equal to their mirror."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        layers = [nn.Conv2d(1, 4, 3), nn.LeakyReLU(), nn.Conv2d(4, 6, 3), nn.LeakyReLU()]
        for layer in layers[::2]:
            weight = layer.weight.data  # type: ignore[union-attr]
            layer.weight.data = (weight + weight.flip(-1)) / 2  # type: ignore[union-attr]
        neck = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5), nn.Tanh())
        network = PneumoniaNetwork(nn.Sequential(*layers), neck, nn.Linear(5, 2))
    return Runtime.of(network.eval(), InputFormat(size, 1, (0.485,), (0.229,)))


def noise(n: int, size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, size, size), dtype=np.uint8)


FILM = np.array([[[0, 51], [102, 255]]], np.uint8)  # 0, 0.2, 0.4, 1: sum 1.6


# --- by hand ---------------------------------------------------------------------------------


def test_margins_and_features_by_hand() -> None:
    outputs = by_hand().run(FILM)
    # A = 1.6, B = -1.6; PNEUMONIA 3.2 + 1.6 + 1 = 5.8, NORMAL -4.8.
    assert outputs.features == pytest.approx(np.array([[1.6, -1.6]]))
    assert outputs.margins == pytest.approx([10.6])
    assert (outputs.features.dtype, outputs.margins.dtype) == (np.float32, np.float32)


def test_the_temperature_divides_the_margin() -> None:
    assert by_hand().probabilities(FILM) == pytest.approx([1 / (1 + np.exp(-10.6 / 2))])


def test_probabilities_stay_probabilities() -> None:
    p = by_hand().calibrated(np.array([-1e9, 0, 1e9], np.float32))
    assert p.tolist() == [0.0, 0.5, 1.0]
    assert p.dtype == np.float32


# --- films and batches -----------------------------------------------------------------------


def test_a_batch_gives_what_its_films_give_one_by_one(checkpoint: Checkpoint) -> None:
    runtime = open_runtime(checkpoint)
    films = noise(5, 100)
    features = runtime.run(films).features
    for row, film in enumerate(films[:, np.newaxis]):
        alone = runtime.probabilities(film)[0]
        assert alone == pytest.approx(runtime.probabilities(films)[row], abs=1e-5)
        # Of an untrained network's features, which can be large: 1e-5 of the largest.
        close = 1e-5 * float(features.max())
        assert runtime.run(film).features[0] == pytest.approx(features[row], abs=close)


def test_a_shuffled_batch_gives_shuffled_numbers() -> None:
    # More films than one pass takes, so that rows of all passes are exchanged.
    runtime, films = symmetric(), noise(150, 16)
    order = np.random.default_rng(1).permutation(len(films))
    assert runtime.run(films[order]).margins == pytest.approx(runtime.run(films).margins[order])


def test_a_network_that_cannot_tell_left_from_right_reads_the_mirrored_film_alike() -> None:
    runtime, films = symmetric(), noise(3, 16)
    mirrored = np.ascontiguousarray(films[:, :, ::-1])
    assert runtime.run(mirrored).margins == pytest.approx(runtime.run(films).margins, abs=1e-5)


def test_no_films_give_no_numbers() -> None:
    outputs = symmetric().run(noise(0, 16))
    assert (outputs.margins.shape, outputs.features.shape) == ((0,), (0, 5))


@pytest.mark.parametrize(
    "films",
    [
        noise(1, 16).astype(np.float32),
        noise(1, 17),
        noise(1, 16)[0],
        np.zeros((1, 16, 16, 3), np.uint8),
    ],
    ids=["float", "size", "one film", "colour"],
)
def test_other_films_are_refused(films: np.ndarray) -> None:
    runtime = symmetric()
    for call in (runtime.run, lambda films: runtime.views(films, runtime.members[0])):
        with pytest.raises(ValueError, match=r"must be uint8 \(N, 16, 16\)"):
            call(films)


# --- left as found ---------------------------------------------------------------------------


def test_the_network_and_torch_are_left_as_they_were_found() -> None:
    runtime = symmetric()
    before = {
        name: value.clone() for name, value in runtime.members[0].network.state_dict().items()
    }
    random = torch.get_rng_state()
    runtime.run(noise(2, 16))
    assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), random)
    assert not any(
        module.training or module._forward_hooks for module in runtime.members[0].network.modules()
    )
    assert all(parameter.grad is None for parameter in runtime.members[0].network.parameters())
    after = runtime.members[0].network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_several_threads_get_the_numbers_of_one(checkpoint: Checkpoint) -> None:
    runtime = open_runtime(checkpoint)
    batches = [noise(2, 100, seed) for seed in range(6)]

    alone = [runtime.probabilities(films) for films in batches]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(runtime.probabilities, batches * 3))
    for p, p_alone in zip(together, alone * 3, strict=True):
        assert p == pytest.approx(p_alone, abs=1e-6)


# --- stores and checkpoints ------------------------------------------------------------------


def test_a_store_is_run_in_the_order_of_the_ids(film_folder: Callable[..., Path]) -> None:
    runtime = symmetric()
    dataset = scan(film_folder({"test": 40}))
    told: list[tuple[int, int]] = []
    store = runtime.open_store(dataset)
    ids = dataset.films["id"].tolist()[::-1]
    outputs = runtime.run_store(store, ids, lambda done, total: told.append((done, total)))
    assert outputs.margins == pytest.approx(runtime.run(store.pixels[store.rows(ids)]).margins)
    assert store.pixels.shape == (80, 16, 16)
    assert told == [(64, 80), (80, 80)]


def test_a_checkpoint_is_opened_by_name(checkpoint: Checkpoint) -> None:
    films = noise(2, 100)
    by_name, by_object = open_runtime("cnn_94"), open_runtime(checkpoint)
    assert by_name.calibration == checkpoint.card.calibration == Calibration(1.5)
    assert np.array_equal(by_name.probabilities(films), by_object.probabilities(films))
    with pytest.raises(UnknownName, match="no model named 'nothing'"):
        open_runtime("nothing")
