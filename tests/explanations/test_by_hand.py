"""Each method worked out by hand on a network of two pixels by two."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pneumo_core.explanations import heat_map
from pneumo_core.inference import Runtime
from pneumo_core.models import InputFormat, PneumoniaNetwork
from tests.explanations.networks import FILM, PLAIN, two_channels, weighing

X = FILM / 255


def values(runtime: Runtime, label: int, method: str) -> np.ndarray:
    (part,) = heat_map(runtime, FILM, label, method=method).parts
    assert part.dtype == np.float32
    return part


def test_grad_cam() -> None:
    # d PNEUMONIA / d a = 2, / d b = -1 everywhere; mean over channels of 2 x and -1 · -x: 1.5 x.
    assert values(two_channels(), 1, "grad_cam") == pytest.approx(1.5 * X, rel=1e-5)


def test_grad_cam_keeps_evidence_for_the_label_alone() -> None:
    # d NORMAL / d a = 0, / d b = 3: the mean of 0 and 3 · -x is negative, so nothing is left.
    assert values(two_channels(), 0, "grad_cam").tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_grad_cam_averages_the_gradient_over_the_positions() -> None:
    # The gradients 1, 2, -3, 4 of one channel: on average 1.
    runtime = Runtime.of(weighing([1, 2, -3, 4]), PLAIN)
    assert values(runtime, 1, "grad_cam") == pytest.approx(X)


def test_layer_cam_weighs_each_position_by_its_own_positive_gradient() -> None:
    # 1, 2, -3, 4 times 0, 0.2, 0.4, 1, without the negative one.
    runtime = Runtime.of(weighing([1, 2, -3, 4]), PLAIN)
    assert values(runtime, 1, "layer_cam") == pytest.approx(np.array([[0, 0.4], [0, 4]]))


def test_layer_cam_drops_channels_that_speak_against_the_label() -> None:
    # Of a = x and b = -x with gradients 2 and -1 only a counts: the mean of 2 x and 0.
    assert values(two_channels(), 1, "layer_cam") == pytest.approx(X)


def test_what_raises_both_scores_alike_is_evidence_in_grad_cams_eyes_only() -> None:
    network = weighing([1, 1, 1, 1])
    with torch.no_grad():
        network.head.weight[0] = 1
    for label in (0, 1):
        runtime = Runtime.of(network, PLAIN)
        assert values(runtime, label, "grad_cam") == pytest.approx(X)
        assert not values(runtime, label, "layer_cam").any()
        assert not values(runtime, label, "occlusion").any()


def test_activation_is_the_mean_of_what_responds() -> None:
    # Of a = x and b = -x only a responds; the label doesn't matter.
    for label in (0, 1):
        assert values(two_channels(), label, "activation") == pytest.approx(X / 2)


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients"])
def test_what_hiding_a_pixel_takes_from_the_lead(method: str) -> None:
    # Patches and cells are single pixels here. The lead is w · x, the mean grey 0.4:
    # 1 (0 - 0.4) < 0, 2 (0.2 - 0.4) < 0, -3 (0.4 - 0.4) = 0, 4 (1 - 0.4) = 2.4.
    runtime = Runtime.of(weighing([1, 2, -3, 4]), PLAIN)
    for_it, against = (values(runtime, label, method) for label in (1, 0))
    assert for_it == pytest.approx(np.array([[0, 0], [0, 2.4]]), abs=1e-6)
    assert against == pytest.approx(np.array([[0.4, 0.4], [0, 0]]), abs=1e-6)


class _SquareOfSum(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return maps.flatten(1).sum(dim=1, keepdim=True).square()


def test_integrated_gradients_add_up_to_the_lead_over_the_plain_film() -> None:
    # The lead is (sum of x)²: 1.6² for the film, 1.6² for one of the same mean. A brighter corner
    # than the mean adds what the others take: 2 · 1.6 (x - 0.4), of which the positive part stays.
    network = PneumoniaNetwork(nn.Identity(), _SquareOfSum(), nn.Linear(1, 2, bias=False))
    with torch.no_grad():
        network.head.weight.copy_(torch.tensor([[0.0], [1.0]]))
    heat = values(Runtime.of(network.eval(), PLAIN), 1, "integrated_gradients")
    assert heat == pytest.approx(np.array([[0, 0], [0, 3.2 * 0.6]]), abs=1e-5)


def test_occlusion_hides_patches_of_an_eighth_that_overlap_by_half() -> None:
    # One bright pixel in a film of 16: patches of 2 by 2, a pixel apart. Every patch that hides the
    # pixel costs the same, so its 3 × 3 neighbourhood shows how many of its patches hide it.
    film = np.zeros((16, 16), np.uint8)
    film[5, 9] = 255
    runtime = Runtime.of(weighing([1.0] * 256), InputFormat(16, 1, (0.0,), (1.0,)))
    (heat,) = heat_map(runtime, film, 1, method="occlusion").parts
    plain = round(255 / 256) / 255
    cost, gain = 1 - plain - 3 * plain, 4 * plain  # of a patch with the pixel, and without
    share = np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4  # of patches that hide it
    assert heat[4:7, 8:11] == pytest.approx(share * cost - (1 - share) * gain, abs=1e-5)
    heat[4:7, 8:11] = 0
    assert not heat.any()
