"""Backbones of many families of timm, transformers too, are networks like the others."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from pneumo_core.errors import TrainingError, UnknownName
from pneumo_core.explanations import convolutions, heat_map, layers, run_from, run_sanity_check
from pneumo_core.inference import Runtime, open_engine
from pneumo_core.models import InputFormat, PneumoniaNetwork, build_network, input_of
from pneumo_core.models.layout import Layout

HALF = (0.5, 0.5, 0.5)

# Name, side of the films, side of the grid, channels of places, channels of carried tokens.
SMALL = [
    ("test_vit", 96, 6, 64, 64),  # a class token alone is read
    ("test_vit2", 96, 6, 64, 0),  # the mean of the patches
    ("test_vit3", 96, 6, 96, 96),  # attention over all tokens
    ("test_vit4", 96, 6, 96, 0),
    ("test_vit_relpos", 96, 6, 96, 0),
    ("test_convnext", 96, 3, 64, 0),
    ("test_efficientnet", 96, 3, 256, 0),
    ("test_resnet", 96, 3, 96, 0),
    ("test_nfnet", 96, 3, 192, 0),
    ("test_byobnet", 96, 3, 256, 0),
    ("test_maxvit", 96, 3, 128, 0),
    ("test_coatnet", 96, 3, 128, 0),
    ("test_mambaout", 96, 3, 64, 0),  # channels last
]
LARGE = [
    ("vit_tiny_patch16_224", 96, 6, 192, 192),
    ("vit_small_patch14_dinov2", 98, 7, 384, 384),
    ("vit_small_patch14_reg4_dinov2", 98, 7, 384, 5 * 384),
    ("vit_small_patch16_dinov3", 96, 6, 384, 0),
    ("vit_small_patch16_rope_224", 96, 6, 384, 384),
    ("deit_tiny_distilled_patch16_224", 96, 6, 192, 2 * 192),
    ("eva02_tiny_patch14_224", 98, 7, 192, 0),
    ("cait_xxs24_224", 96, 6, 192, 0),
    ("xcit_nano_12_p16_224", 96, 6, 128, 0),
    ("volo_d1_224", 96, 6, 384, 0),
    ("convit_tiny", 96, 6, 192, 192),
    ("levit_128s", 128, 2, 384, 0),
    ("mvitv2_tiny", 96, 3, 768, 0),
    ("hiera_tiny_224", 96, 3, 768, 0),
    ("mixer_s32_224", 96, 3, 512, 0),
    ("swin_tiny_patch4_window7_224", 96, 3, 768, 0),
    ("swinv2_tiny_window8_256", 128, 4, 768, 0),
    ("twins_svt_small", 96, 3, 512, 0),
    ("efficientformer_l1", 224, 7, 448, 0),
    ("mobilevit_xxs", 96, 3, 320, 0),
    ("poolformer_s12", 96, 3, 512, 0),
    ("pvt_v2_b0", 96, 3, 256, 0),
    ("resnet18", 96, 3, 512, 0),
    ("tf_efficientnet_lite0", 96, 3, 1280, 0),
    ("convnext_atto", 96, 3, 320, 0),
]
QUICK = (
    *("test_vit", "test_vit3", "test_convnext", "test_efficientnet", "test_mambaout"),
    "vit_small_patch14_dinov2",
)
# torch.onnx.export knows no RMSNorm, and not all that VOLO does.
STAY_WITH_PYTORCH = {"test_vit4", "volo_d1_224"}
FAMILIES = pytest.mark.parametrize(
    ("name", "size", "side", "channels", "carried"),
    [
        row if row[0] in QUICK else pytest.param(*row, marks=pytest.mark.thorough)
        for row in (*SMALL, *LARGE)
    ],
)


def built(name: str, size: int) -> PneumoniaNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_network(f"timm:{name}", size).eval()


def runtime_of(network: PneumoniaNetwork, size: int) -> Runtime:
    return Runtime.of(network, InputFormat(size, 3, HALF, HALF))


def noise(n: int, size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, size, size), dtype=np.uint8)


@FAMILIES
def test_a_family_of_timm(name: str, size: int, side: int, channels: int, carried: int) -> None:
    network = built(name, size)
    gives_a_grid_and_timms_own_features(network, size, (channels + carried, side, side))
    assert network.token_channels == carried
    draws_a_heat_map(runtime_of(network, size), side)
    # In ONNX Runtime, which ``open_engine`` compares with PyTorch.
    engine = open_engine(network.requires_grad_(False), InputFormat(size, 3, HALF, HALF))
    assert (engine is None) == (name in STAY_WITH_PYTORCH)


def gives_a_grid_and_timms_own_features(
    network: PneumoniaNetwork, size: int, shape: tuple[int, ...]
) -> None:
    backbone, films = network.features.get_submodule("backbone"), torch.rand(2, 3, size, size)
    with torch.no_grad():
        maps = network.features(films)
        features = network.neck(maps)
        expected = backbone.forward_head(backbone.forward_features(films), pre_logits=True)
    assert maps.shape == (2, *shape)
    assert torch.equal(features, expected)


def draws_a_heat_map(runtime: Runtime, side: int) -> None:
    film = noise(1, runtime.size)[0]
    heat = sum(heat_map(runtime, film, label).parts[0] for label in (0, 1))
    assert heat.shape == (side, side)
    assert heat.max() > 0


@pytest.mark.parametrize("name", ["crossvit_9_240", "pit_ti_224"])
def test_what_has_no_grid_is_refused_with_some_that_have(name: str) -> None:
    with pytest.raises(UnknownName, match=f"a grid for heat maps named '{name}'.*swin_tiny"):
        build_network(f"timm:{name}")


# --- where the evidence is -------------------------------------------------------------------


def with_a_bright_square(top: int, left: int) -> np.ndarray:
    film = noise(1, 160)[0] // 12 + np.uint8(60)
    film[top : top + 32, left : left + 32] = 230
    return film


def sees_bright_squares(name: str) -> Runtime:
    """The logit of PNEUMONIA rises along what a square changes in the features."""
    network = built(name, 160)
    runtime = runtime_of(network, 160)
    squares = np.stack([with_a_bright_square(*place) for place in ((16, 16), (112, 16), (64, 112))])
    change = runtime.run(squares).features.mean(axis=0) - runtime.run(noise(1, 160) // 12).features
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.weight[1] = torch.tensor(change[0])
    return runtime


@pytest.mark.parametrize("name", ["test_vit", "test_vit2"])
@pytest.mark.parametrize("place", [(16, 16), (16, 112), (112, 64)])
def test_the_heat_of_a_transformer_moves_with_the_evidence(
    name: str, place: tuple[int, int]
) -> None:
    heat = heat_map(sees_bright_squares(name), with_a_bright_square(*place), 1).parts[0]
    row, column = np.unravel_index(heat.argmax(), heat.shape)
    assert place[0] <= 16 * row < place[0] + 32
    assert place[1] <= 16 * column < place[1] + 32


def test_carried_tokens_are_the_same_at_every_place_and_in_no_heat_map() -> None:
    network = built("test_vit", 96)
    (maps,) = runtime_of(network, 96).maps(noise(1, 96), runtime_of(network, 96).members[0])
    carried = maps[:, 64:]
    assert np.array_equal(carried, np.broadcast_to(carried[:, :, :1, :1], carried.shape))
    heat = heat_map(runtime_of(network, 96), noise(1, 96)[0], 1, method="activation").parts[0]
    assert heat == pytest.approx(np.maximum(maps[0, :64], 0).mean(axis=0), rel=1e-5)


def test_a_sanity_check_redraws_a_transformer() -> None:
    runtime = runtime_of(built("test_vit", 96), 96)
    checked = run_sanity_check(runtime, noise(1, 96)[0], 1)
    assert len(checked.forgotten) == 5
    assert not np.array_equal(checked.learned.parts[0], checked.forgotten[0].parts[0])


# --- inside ----------------------------------------------------------------------------------


def test_a_transformers_blocks_can_be_chosen() -> None:
    runtime = runtime_of(built("test_vit", 96), 96)
    assert layers(runtime) == (
        "conv 1",
        *(f"block {n}" for n in range(1, 6)),
    )  # the neck has the 6th
    assert {(each.channels, each.height, each.width) for each in convolutions(runtime)} == {
        (64, 6, 6)
    }


def test_the_last_block_before_the_neck_is_the_default_place() -> None:
    runtime, film = runtime_of(built("test_vit", 96), 96), noise(1, 96)[0]
    default = heat_map(runtime, film, 1).parts[0]
    last = heat_map(runtime, film, 1, layer=layers(runtime)[-1]).parts[0]
    assert default == pytest.approx(last, abs=1e-5 * float(default.max()))


def test_the_logits_from_inside_are_those_of_the_network() -> None:
    runtime = runtime_of(built("test_vit2", 96), 96)
    network = runtime.members[0].network
    view = runtime.views(noise(1, 96), runtime.members[0])[0]
    with torch.no_grad():
        expected = network(view)
    for layer in convolutions(runtime):
        torch.testing.assert_close(run_from(network, view, layer)[1].detach(), expected)


# --- layouts ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("like", "shape", "order", "prefix"),
    [
        (Layout(), (1, 8, 5, 5), "maps", 0),
        (Layout(), (1, 5, 5, 8), "channels last", 0),
        (Layout("channels last"), (1, 8, 8, 8), "channels last", 0),
        (Layout(prefix=1), (1, 26, 8), "tokens", 1),
        (Layout(prefix=1), (1, 25, 8), "tokens", 0),
        (Layout(prefix=5), (1, 30, 8), "tokens", 5),
    ],
)
def test_a_layout_is_told_and_undone(
    like: Layout, shape: tuple[int, ...], order: str, prefix: int
) -> None:
    output = torch.rand(shape)
    layout = like.fitted(output)
    assert layout == Layout(order, prefix if order == "tokens" else like.prefix)  # type: ignore[arg-type]
    maps, tokens = layout.split(output)
    assert (maps.shape[2], tokens.shape[1]) == (maps.shape[3], prefix)
    assert torch.equal(layout.join(maps, tokens), output)


@pytest.mark.parametrize("shape", [(1, 8), (1, 7, 8), (1, 1, 8), (1, 8, 5, 4), (1, 2, 3, 4, 5)])
def test_what_is_no_square_grid_has_no_layout(shape: tuple[int, ...]) -> None:
    assert Layout(prefix=1).fitted(torch.rand(shape)) is None
    assert Layout().fitted([torch.rand(1, 4, 8)]) is None


# --- sizes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "remedy"), [(100, "Give 96 or 112."), (40, "Give 32 or 48."), (1025, "at most 1024")]
)
def test_a_size_that_would_be_cut_is_refused_with_the_nearest(size: int, remedy: str) -> None:
    for build in (lambda: build_network("timm:test_vit", size), lambda: asked(size)):
        with pytest.raises(TrainingError, match=f"timm:test_vit .*not {size}.*|{remedy}") as told:
            build()
        assert remedy in str(told.value)


def asked(size: int) -> InputFormat:
    return input_of("timm:test_vit", "none", size)


def test_a_convolutional_backbone_reads_any_size() -> None:
    assert input_of("timm:resnet18", "none", 100).size == 100


def test_a_copy_shares_no_tensor_with_a_network_whose_neck_has_blocks() -> None:
    network = built("test_vit", 96)
    copied, films = copy.deepcopy(network), torch.rand(1, 3, 96, 96)
    with torch.no_grad():
        before: Tensor = network(films)
        for parameter in network.parameters():
            parameter.zero_()
        assert torch.equal(copied(films), before)


def test_every_tensor_of_a_transformer_learns() -> None:
    network = built("test_vit", 96).train()
    network(torch.rand(2, 3, 96, 96)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    names = {name.split(".")[0] for name in network.state_dict()}
    assert names == {"features", "head"}
    assert replace(Layout(), order="tokens", prefix=1) == network.layout
