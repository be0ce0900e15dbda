"""Convolutions are named in calling order, and their activations are the network's own."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.errors import UnknownName
from pneumo_core.explanations import convolutions, heat_map, layers
from pneumo_core.explanations.network_layers import find_convolution, run_from
from pneumo_core.inference import Runtime, open_runtime
from pneumo_core.models import PneumoniaNetwork
from tests.explanations.networks import INPUT, backbone, ensemble, noise, small


def view_of(runtime: Runtime) -> Tensor:
    return runtime.views(noise(size=runtime.size)[np.newaxis], runtime.members[0])[0]


def at(runtime: Runtime, name: str) -> tuple[Tensor, Tensor]:
    network = runtime.members[0].network
    return run_from(network, view_of(runtime), find_convolution(runtime, name))


# --- names -------------------------------------------------------------------------------------


def test_the_convolutions_of_cnn_94(checkpoint: Checkpoint) -> None:
    runtime = open_runtime(checkpoint)
    assert layers(runtime) == ("conv 1", "conv 2", "conv 3")
    shapes = [(each.channels, each.height, each.width) for each in convolutions(runtime)]
    assert shapes == [(12, 98, 98), (18, 47, 47), (24, 21, 21)]


def test_an_ensembles_convolutions_say_whose_they_are() -> None:
    assert layers(ensemble()) == tuple(f"member {m}, conv {c}" for m in (1, 2) for c in (1, 2))
    assert [each.height for each in convolutions(ensemble())] == [14, 12, 14, 6]


def test_convolutions_that_see_no_places_are_left_out() -> None:
    # EfficientNet-B0 has 81, of which squeeze-and-excite has 32 on a single cell.
    found = convolutions(backbone())
    assert len(found) == 49
    assert not any("_se_" in each.module for each in found)
    assert found[-1].module == "backbone._conv_head"


def test_a_layer_that_is_not_there() -> None:
    with pytest.raises(UnknownName, match="no layer named 'conv 3'. Choose one of: conv 1, conv 2"):
        find_convolution(Runtime.of(small(1), INPUT), "conv 3")


# --- activations -------------------------------------------------------------------------------


def test_an_activation_comes_after_normalisation_and_nonlinearity(checkpoint: Checkpoint) -> None:
    runtime = open_runtime(checkpoint)
    features = runtime.members[0].network.features
    with torch.no_grad():
        for name, upto in (("conv 1", 2), ("conv 2", 6), ("conv 3", 9)):
            expected = features[:upto](view_of(runtime))  # type: ignore[index]
            assert torch.equal(at(runtime, name)[0], expected)


def test_the_activation_of_a_block_of_efficientnet() -> None:
    runtime = backbone()
    inside = runtime.members[0].network.features.get_submodule("backbone")
    with torch.no_grad():
        stem = inside._swish(inside._bn0(inside._conv_stem(view_of(runtime))))
        block = inside._blocks[0]
        depthwise = block._swish(block._bn1(block._depthwise_conv(stem)))
        assert torch.equal(at(runtime, "conv 1")[0], stem)
        assert torch.equal(at(runtime, "conv 2")[0], depthwise)
        assert torch.equal(at(runtime, "conv 3")[0], inside._blocks[0](stem))  # has no shortcut


def test_the_logits_are_those_of_the_network(checkpoint: Checkpoint) -> None:
    runtime = open_runtime(checkpoint)
    with torch.no_grad():
        expected = runtime.members[0].network(view_of(runtime))
    for name in layers(runtime):
        assert torch.equal(at(runtime, name)[1], expected)


@pytest.mark.parametrize("name", ["efficientnet_b0", "timm:resnet18", "cnn_94"])
def test_the_last_convolution_is_where_maps_are_made_by_default(
    name: str, checkpoint: Checkpoint
) -> None:
    runtime = open_runtime(checkpoint) if name == "cnn_94" else backbone(name)
    film = noise(size=runtime.size)
    for label in (0, 1):
        default = heat_map(runtime, film, label)
        last = heat_map(runtime, film, label, layer=layers(runtime)[-1])
        assert default.parts[0] == pytest.approx(last.parts[0], abs=1e-5 * default.peaks[0])


class _Twice(nn.Module):
    """One activation for both convolutions."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.activation = nn.LeakyReLU()

    def forward(self, films: Tensor) -> Tensor:
        maps: Tensor = self.activation(self.second(self.activation(self.first(films))))
        return maps


class _Overwriting(nn.Module):
    """Activations that are no modules and, in place, overwrite what the convolutions gave."""

    def __init__(self, first: nn.Module, second: nn.Module, *, inplace: bool) -> None:
        super().__init__()
        self.first, self.second = first, second
        self.inplace = inplace

    def forward(self, films: Tensor) -> Tensor:
        maps = leaky_relu(self.first(films), inplace=self.inplace)
        return leaky_relu(self.second(maps), inplace=self.inplace)


def with_features(kind: Callable[..., nn.Module], **options: bool) -> Runtime:
    plain = small(1)
    first, _, second, _ = plain.features  # type: ignore[misc]
    network = PneumoniaNetwork(kind(first, second, **options), plain.neck, plain.head)
    return Runtime.of(network.eval(), INPUT)


@pytest.mark.parametrize("name", ["conv 1", "conv 2"])
def test_activations_that_are_overwritten_are_kept_as_they_were(name: str) -> None:
    kept = [at(with_features(_Overwriting, inplace=inplace), name) for inplace in (False, True)]
    (activation, logits), (overwritten, same_logits) = kept
    assert torch.equal(activation, overwritten)
    assert torch.equal(logits, same_logits)
    gradients = [torch.autograd.grad(y[0, 1], a)[0] for a, y in kept]
    assert gradients[0].any()
    assert torch.equal(*gradients)


def test_a_module_called_twice_is_cut_at_the_right_call() -> None:
    runtime, plain = with_features(_Twice), Runtime.of(small(1), INPUT)
    assert [each.tap for each in convolutions(runtime)] == [("activation", 0), ("activation", 1)]
    for name in layers(runtime):
        assert torch.equal(at(runtime, name)[0], at(plain, name)[0])
