"""A backbone of timm is a network like the others; ``test_every_timm_family`` has many more."""

import copy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pneumo_core.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from pneumo_core.checkpoints.weights import stored_precision
from pneumo_core.errors import UnknownName
from pneumo_core.explanations import heat_map
from pneumo_core.inference import Runtime, open_runtime
from pneumo_core.models import InputFormat, PneumoniaNetwork, build_network, find_model

TINY = "timm:test_efficientnet"
# What they have after pooling differs: nothing, a convolution, a norm.
FAMILIES = ("timm:test_efficientnet", "timm:mobilenetv3_small_050", "timm:test_convnext")
HALF = (0.5, 0.5, 0.5)

LISTING = """
import sys
from pneumo_core.checkpoints import list_checkpoints
found, problems = list_checkpoints()
print(*(each.card.model for each in found), *problems, "timm" in sys.modules)
"""


@pytest.fixture
def network() -> PneumoniaNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_network(TINY).eval()


@pytest.fixture
def saved(network: PneumoniaNetwork, checkpoint: Checkpoint, tmp_path: Path) -> Checkpoint:
    """A checkpoint of the tiny network; all but its card and weights is borrowed."""
    network.load_state_dict(stored_precision(network.state_dict()))
    card = replace(checkpoint.card, name="tiny", model=TINY, input=find_model(TINY).input)
    return save_checkpoint(
        card,
        network.state_dict(),
        scores=checkpoint.scores,
        features=checkpoint.features,
        history=checkpoint.history,
        root=tmp_path,
    )


def noise(n: int, size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, size, size), dtype=np.uint8)


# --- the network -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILIES)
def test_the_stages_are_those_of_every_network(name: str) -> None:
    network, size = build_network(name).eval(), find_model(name).input.size
    with torch.no_grad():
        films = torch.rand(2, 3, size, size)
        maps = network.features(films)
        features = network.neck(maps)
        assert torch.equal(network(films), network.head(features))
    assert maps.ndim == 4
    assert network(films).shape == (2, 2)
    assert features.shape == (2, network.head.in_features)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_parameter_learns_and_belongs_to_one_stage(name: str) -> None:
    network = build_network(name)
    assert network.training
    network(torch.rand(2, 3, 64, 64)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    backbone = {id(parameter) for parameter in network.backbone_parameters()}
    rest = [n for n, p in network.named_parameters() if id(p) not in backbone]
    assert rest == ["head.weight", "head.bias"]


def test_no_tensor_is_stored_twice(network: PneumoniaNetwork) -> None:
    places = [tensor.data_ptr() for tensor in network.state_dict().values()]
    assert len(set(places)) == len(places)
    assert {name.split(".")[0] for name in network.state_dict()} == {"features", "head"}


def test_a_copy_is_whole_and_on_its_own() -> None:
    # What comes after the pooling is the neck's work and the backbone's weight.
    network = build_network("timm:mobilenetv3_small_050").eval()
    copied, films = copy.deepcopy(network), torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        before = network(films)
        for parameter in network.parameters():
            parameter.zero_()
        assert torch.equal(copied(films), before)
        for parameter in copied.features.parameters():
            parameter.zero_()
        assert not copied.neck(torch.rand(1, 288, 2, 2)).any()


def test_the_heat_map_lies_on_the_backbones_grid(network: PneumoniaNetwork) -> None:
    runtime = Runtime.of(network, find_model(TINY).input)
    heat = sum(heat_map(runtime, noise(2, 160)[0], label).parts[0] for label in (0, 1))
    assert heat.shape == (5, 5)
    assert (heat.min() >= 0, heat.max() > 0) == (True, True)


def test_input_is_what_timm_says() -> None:
    assert find_model("timm:test_convnext").input == InputFormat(160, 3, HALF, HALF)


def test_a_tag_of_timm_is_part_of_the_name() -> None:
    assert find_model(f"{TINY}.r160_in1k").input.size == 160


# --- refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("tf_efficientnet_lite9", "tf_efficientnet_lite0"),
        ("resnet_18", "resnet18"),
        ("resnet18.no_such_tag", "resnet18"),
        ("", "Choose one of"),
    ],
)
def test_an_unknown_name_is_answered_with_near_ones(name: str, near: str) -> None:
    with pytest.raises(UnknownName, match=f"no timm backbone named '{name}'.*{near}"):
        find_model(f"timm:{name}")


# --- checkpoints -----------------------------------------------------------------------------


def test_a_checkpoint_gives_the_probabilities_it_was_saved_with(
    saved: Checkpoint, network: PneumoniaNetwork, tmp_path: Path
) -> None:
    before = Runtime.of(network, saved.card.input, saved.card.calibration)
    after = open_runtime(load_checkpoint("tiny", tmp_path))
    films = noise(3, 160)
    assert np.array_equal(after.probabilities(films), before.probabilities(films))


def test_listing_checkpoints_does_not_wait_for_timm(
    saved: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(saved.folder.parent))
    done = subprocess.run(
        [sys.executable, "-c", LISTING], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == [TINY, "False"], done.stderr


def test_a_backbone_without_the_prefix_is_refused_with_it() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'timm:vit_small_patch14_dinov2'"):
        find_model("vit_small_patch14_dinov2")
