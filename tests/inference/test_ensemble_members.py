"""A film and its mirror image are read as one, and several networks as their mean."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch import Tensor, nn

from pneumo_core.imaging import to_input
from pneumo_core.inference import Member, Runtime
from pneumo_core.metrics import Calibration
from pneumo_core.models import InputFormat, PneumoniaNetwork

PLAIN = InputFormat(size=2, channels=1, mean=(0.0,), std=(1.0,))
INPUT = InputFormat(size=16, channels=1, mean=(0.485,), std=(0.229,))
FILM = np.array([[[0, 51], [102, 255]]], np.uint8)  # 0, 0.2 / 0.4, 1


class _Flat(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return maps.flatten(1)


def weighing(weights: list[float], features: nn.Module | None = None) -> PneumoniaNetwork:
    """The logit of PNEUMONIA is the weighted sum of the maps (of the pixels, by default)."""
    head = nn.Linear(len(weights), 2, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.tensor([[0.0] * len(weights), weights]))
    return PneumoniaNetwork(features or nn.Identity(), _Flat(), head).eval()


def small(seed: int, stride: int = 1) -> PneumoniaNetwork:
    """A small network that tells left from right; five features."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        features = nn.Sequential(nn.Conv2d(1, 6, 3, stride), nn.LeakyReLU())
        neck = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(24, 5), nn.Tanh())
        return PneumoniaNetwork(features, neck, nn.Linear(5, 2)).eval()


def noise(n: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 16, 16), dtype=np.uint8)


def mirrored(films: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(films[:, :, ::-1])


def ensemble(*, mirror: bool = False) -> Runtime:
    """Two networks with grids of 14 and 7, made probabilities by temperatures of 2 and 0.5."""
    members = (
        Member(small(1), INPUT, Calibration(2.0)),
        Member(small(2, stride=2), INPUT, Calibration(0.5)),
    )
    return Runtime(members, Calibration(1.5), mirror)


# --- members of several sizes ----------------------------------------------------------------


def of_two_sizes(*, mirror: bool = False) -> Runtime:
    """A network that takes films of 8 pixels, and one that takes films of 16."""
    members = (Member(small(1), replace(INPUT, size=8)), Member(small(2), INPUT))
    return Runtime(members, mirror=mirror)


def test_a_smaller_member_sees_the_films_as_a_dataset_of_its_size_holds_them() -> None:
    runtime, films = of_two_sizes(), noise(3)
    smaller = np.stack([to_input(film / np.float32(255), 8) for film in films])
    alone = [
        Runtime.of(member.network, member.input).probabilities(seen)
        for member, seen in zip(runtime.members, (smaller, films), strict=True)
    ]
    assert runtime.size == 16
    assert runtime.probabilities(films) == pytest.approx(np.mean(alone, axis=0), abs=1e-6)


def test_with_members_of_two_sizes_a_mirrored_film_gets_the_same_probability() -> None:
    runtime, films = of_two_sizes(mirror=True), noise(4)
    assert np.array_equal(runtime.probabilities(mirrored(films)), runtime.probabilities(films))


def test_each_members_views_have_its_own_size() -> None:
    runtime = of_two_sizes()
    shapes = [runtime.views(noise(1), member)[0].shape for member in runtime.members]
    assert shapes == [(1, 1, 8, 8), (1, 1, 16, 16)]


def test_no_films_give_no_numbers_from_members_of_two_sizes_either() -> None:
    outputs = of_two_sizes().run(noise(0))
    assert outputs.margins.shape == (0,)
    assert outputs.features.shape == (0, 10)


# --- mirror images ---------------------------------------------------------------------------


def test_margins_and_features_are_the_mean_of_both_views_by_hand() -> None:
    outputs = Runtime.of(weighing([1, 2, 3, 4]), PLAIN, mirror=True).run(FILM)
    # The film: 0 + 0.4 + 1.2 + 4 = 5.6; its mirror image: 0.2 + 0 + 3 + 1.6 = 4.8.
    assert outputs.margins == pytest.approx([5.2])
    assert outputs.features == pytest.approx(np.array([[0.1, 0.1, 0.7, 0.7]]))


@pytest.mark.parametrize("members", [1, 2])
def test_a_mirrored_film_gets_the_same_probability(members: int) -> None:
    runtime, films = ensemble(mirror=True), noise(4)
    runtime = replace(runtime, members=runtime.members[:members])
    assert np.array_equal(runtime.probabilities(mirrored(films)), runtime.probabilities(films))


def test_the_views_are_the_film_and_its_mirror_image_by_hand() -> None:
    bright = InputFormat(size=2, channels=3, mean=(0.0, 0.2, 0.4), std=(1.0, 0.5, 0.2))
    runtime = Runtime.of(weighing([1, 2, 3, 4]), bright, mirror=True)
    film, mirror_image = runtime.views(FILM, runtime.members[0])
    assert film.shape == (1, 3, 2, 2)
    assert film[0, 2].tolist() == [pytest.approx([-2, -1]), pytest.approx([0, 3], abs=1e-6)]
    assert torch.equal(mirror_image, film.flip(-1))


def test_without_mirroring_the_mirrored_film_is_another_film() -> None:
    runtime, films = Runtime.of(small(1), INPUT), noise(4)
    assert abs(runtime.probabilities(mirrored(films)) - runtime.probabilities(films)).max() > 1e-3


# --- ensembles -------------------------------------------------------------------------------


def test_the_probability_is_the_mean_of_the_members_by_hand() -> None:
    # Margins 5.6 and -1.6; at temperatures 2 and 0.5 that is 2.8 and -3.2.
    sure, unsure = weighing([1, 2, 3, 4]), weighing([-1, -1, -1, -1])
    runtime = Runtime(
        (Member(sure, PLAIN, Calibration(2.0)), Member(unsure, PLAIN, Calibration(0.5)))
    )
    mean = (1 / (1 + np.exp(-2.8)) + 1 / (1 + np.exp(3.2))) / 2
    assert runtime.probabilities(FILM) == pytest.approx([mean])
    assert runtime.run(FILM).margins == pytest.approx([np.log(mean / (1 - mean))])


def test_the_mean_is_calibrated_as_one() -> None:
    runtime, films = ensemble(), noise(3)
    assert runtime.probabilities(films) == pytest.approx(expit(runtime.run(films).margins / 1.5))


def test_each_member_sees_the_film_normalised_its_own_way() -> None:
    bright = InputFormat(size=2, channels=1, mean=(-1.0,), std=(0.5,))  # 2 x + 2
    members = (Member(weighing([1, 0, 0, 0]), PLAIN), Member(weighing([1, 0, 0, 0]), bright))
    assert Runtime(members).run(FILM).features.tolist() == [
        pytest.approx([0, 0.2, 0.4, 1, 2, 2.4, 2.8, 4])
    ]


def test_features_stand_one_after_the_other() -> None:
    films, runtime = noise(3), ensemble()
    alone = [Runtime.of(m.network, m.input).run(films).features for m in runtime.members]
    assert np.array_equal(runtime.run(films).features, np.concatenate(alone, axis=1))


def test_the_same_network_twice_is_that_network() -> None:
    once, films = Runtime.of(small(1), INPUT), noise(4)
    twice = Runtime((Member(small(1), INPUT), Member(small(1), INPUT)))
    assert twice.probabilities(films) == pytest.approx(once.probabilities(films))


def test_members_that_are_certain_leave_numbers() -> None:
    certain = weighing([1e4, 1e4, 1e4, 1e4])
    runtime = Runtime((Member(certain, PLAIN), Member(certain, PLAIN)))
    assert np.isfinite(runtime.run(FILM).margins).all()
    assert runtime.probabilities(FILM) == pytest.approx([1.0], abs=2e-6)


def test_no_films_give_no_numbers() -> None:
    outputs = ensemble(mirror=True).run(noise(0))
    assert (outputs.margins.shape, outputs.features.shape) == ((0,), (0, 10))
