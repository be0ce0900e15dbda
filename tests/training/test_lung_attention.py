"""Evidence outside the lungs costs, and a network can't hide it."""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from pneumo_core.models import PneumoniaNetwork, build_network
from pneumo_core.training import Augmentation, build_augmentation
from pneumo_core.training.lung_attention import LatestPass, outside_share


def one_map_network() -> PneumoniaNetwork:
    """Its only map is the image, and the lead of PNEUMONIA twice the map's mean."""
    head = nn.Linear(1, 2, bias=False)
    head.weight.data = torch.tensor([[-1.0], [1.0]])
    neck = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return PneumoniaNetwork(nn.Conv2d(1, 1, 1), neck, head).requires_grad_(False)


def share_of(image: torch.Tensor, lungs: torch.Tensor, label: int = 1) -> torch.Tensor:
    network = one_map_network()
    network.features.weight.fill_(1)
    network.features.bias.zero_()
    image.requires_grad_(True)
    with LatestPass(network) as seen:
        network(image)
    return outside_share(seen.maps, seen.logits, torch.tensor([label]), lungs)


def test_half_of_the_evidence_lies_in_one_of_two_lungs():
    lungs = torch.zeros(1, 1, 16, 16)
    lungs[..., :8] = 1
    assert abs(share_of(torch.ones(1, 1, 16, 16), lungs) - 0.5) < 1e-6


def test_evidence_inside_costs_nothing_and_outside_all():
    left = torch.zeros(1, 1, 16, 16)
    left[..., :6] = 1
    lungs = torch.zeros(1, 1, 16, 16)
    lungs[..., :8] = 1
    assert share_of(left.clone(), lungs) < 1e-6
    assert share_of(left.clone(), 1 - lungs) > 1 - 1e-6


def test_a_normal_film_does_not_count():
    assert share_of(torch.ones(1, 1, 16, 16), torch.zeros(1, 1, 16, 16), label=0) == 0


def test_its_gradient_moves_evidence_into_the_lungs():
    image = torch.ones(1, 1, 4, 4)
    lungs = torch.zeros(1, 1, 16, 16)
    lungs[..., :8] = 1
    share_of(image, lungs).backward()
    assert image.grad[..., 0].max() < 0 < image.grad[..., 3].min()


def test_a_mask_moves_with_its_film_and_keeps_its_values():
    ranges = replace(Augmentation(), rotation=20, mirror=0.5, noise=(0.2, 0.2))
    mask = torch.zeros(4, 1, 40, 40)
    mask[..., 10:30, 12:20] = 1
    with torch.random.fork_rng():
        torch.manual_seed(0)
        both = build_augmentation(replace(ranges, gamma=0, contrast=0, brightness=0), 32)(
            torch.cat([mask, mask], dim=1)
        )
    image, moved = both[:, 0], both[:, 1]
    assert float(moved.max()) <= 1
    assert np.corrcoef(image.flatten(), moved.flatten())[0, 1] > 0.6
    assert float((moved > 0.01).logical_and(moved < 0.99).float().mean()) < 0.2  # no noise


def test_the_two_logits_of_lite0_are_opposite_before_and_after_a_step():
    network = build_network("efficientnet_lite0")
    images = torch.rand(2, 3, 64, 64)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.01)
    nn.functional.cross_entropy(network(images), torch.tensor([0, 1])).backward()
    optimizer.step()
    logits = network.eval()(images).detach()
    torch.testing.assert_close(logits[:, 0], -logits[:, 1], atol=1e-5, rtol=1e-4)
