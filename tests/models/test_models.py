"""The paper's tables: every output shape, logits at the end, and a registry that can't be bent."""

import pytest
import torch
from torch import Tensor, nn

from pneumo_core.errors import UnknownName
from pneumo_core.models import (
    MODELS,
    InputFormat,
    PneumoniaNetwork,
    build_network,
    find_model,
    output_shapes,
)

LEAKY = "LeakyReLU"

CNN_94 = [
    ("Conv2d", (12, 98, 98)),
    (LEAKY, (12, 98, 98)),
    ("MaxPool2d", (12, 49, 49)),
    ("BatchNorm2d", (12, 49, 49)),
    ("Conv2d", (18, 47, 47)),
    (LEAKY, (18, 47, 47)),
    ("MaxPool2d", (18, 23, 23)),
    ("Conv2d", (24, 21, 21)),
    (LEAKY, (24, 21, 21)),
    ("Flatten", (10584,)),
    ("Linear", (1000,)),
    (LEAKY, (1000,)),
    ("BatchNorm1d", (1000,)),
    ("Dropout", (1000,)),
    ("Linear", (100,)),
    (LEAKY, (100,)),
    ("Dropout", (100,)),
    ("Linear", (10,)),
    (LEAKY, (10,)),
    ("Linear", (2,)),
]

CNN_V2 = [
    ("Conv2d", (12, 96, 96)),
    (LEAKY, (12, 96, 96)),
    ("MaxPool2d", (12, 48, 48)),
    ("BatchNorm2d", (12, 48, 48)),
    ("Conv2d", (12, 46, 46)),
    (LEAKY, (12, 46, 46)),
    ("Conv2d", (16, 44, 44)),
    (LEAKY, (16, 44, 44)),
    ("Conv2d", (12, 42, 42)),
    (LEAKY, (12, 42, 42)),
    ("Conv2d", (12, 40, 40)),
    (LEAKY, (12, 40, 40)),
    ("Dropout", (12, 40, 40)),
    ("MaxPool2d", (12, 20, 20)),
    ("Flatten", (4800,)),
    ("Linear", (1000,)),
    (LEAKY, (1000,)),
    ("BatchNorm1d", (1000,)),
    ("Linear", (100,)),
    (LEAKY, (100,)),
    ("Dropout", (100,)),
    ("Linear", (10,)),
    (LEAKY, (10,)),
    ("Linear", (2,)),
]

PAPER = {"cnn_94": CNN_94, "cnn_v2": CNN_V2}
KERNELS = {"cnn_94": [3, 3, 3], "cnn_v2": [5, 3, 3, 3, 3]}


@pytest.fixture(scope="module")
def networks() -> dict[str, PneumoniaNetwork]:
    torch.manual_seed(0)
    return {name: build_network(name) for name in MODELS}


def films(model: str, *, side: int | None = None) -> Tensor:
    """Two normalised films of noise, float (2, channels, side, side)."""
    wanted = MODELS[model].input
    side = side or wanted.size
    noise = torch.rand(2, 1, side, side, generator=torch.Generator().manual_seed(0))
    return wanted.normalise(noise)


# --- the paper's tables ----------------------------------------------------------------------


@pytest.mark.parametrize("name", PAPER)
def test_every_output_shape_of_the_paper(networks: dict[str, PneumoniaNetwork], name: str) -> None:
    assert output_shapes(networks[name], films(name)) == PAPER[name]


@pytest.mark.parametrize("name", PAPER)
def test_kernels_and_dropout_of_the_paper(networks: dict[str, PneumoniaNetwork], name: str) -> None:
    modules = list(networks[name].modules())
    kernels = [m.kernel_size for m in modules if isinstance(m, nn.Conv2d)]
    assert kernels == [(kernel, kernel) for kernel in KERNELS[name]]
    assert {m.p for m in modules if isinstance(m, nn.Dropout)} == {0.3}


@pytest.mark.parametrize("name", ["cnn_94", "cnn_v2", "efficientnet_b0"])
def test_leaky_relu_follows_every_layer_but_the_last(
    networks: dict[str, PneumoniaNetwork], name: str
) -> None:
    # EfficientNet's backbone keeps its own Swish.
    parts = (networks[name].neck, networks[name].head)
    parts = parts if name == "efficientnet_b0" else (networks[name].features, *parts)
    leaves = [m for part in parts for m in part.modules() if not list(m.children())]
    layers = [i for i, leaf in enumerate(leaves) if isinstance(leaf, nn.Conv2d | nn.Linear)]
    assert [type(leaves[i + 1]) for i in layers[:-1]] == [nn.LeakyReLU] * (len(layers) - 1)
    assert layers[-1] == len(leaves) - 1


def test_the_head_of_efficientnet_b0(networks: dict[str, PneumoniaNetwork]) -> None:
    shapes = output_shapes(networks["efficientnet_b0"], films("efficientnet_b0"))
    assert shapes[-9:] == [
        ("AdaptiveAvgPool2d", (1280, 1, 1)),
        ("Flatten", (1280,)),
        ("Linear", (500,)),
        (LEAKY, (500,)),
        ("Dropout", (500,)),
        ("Linear", (100,)),
        (LEAKY, (100,)),
        ("Dropout", (100,)),
        ("Linear", (2,)),
    ]


# --- what every network does -----------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_learns(networks: dict[str, PneumoniaNetwork], name: str) -> None:
    network = networks[name].train()
    side = 64 if name == "efficientnet_b0" else None  # it pools whatever comes; small is fast
    loss = nn.functional.cross_entropy(network(films(name, side=side)), torch.tensor([0, 1]))
    loss.backward()
    untouched = [
        key
        for key, p in network.named_parameters()
        if p.grad is None or not p.grad.isfinite().all()
    ]
    network.zero_grad(set_to_none=True)
    assert untouched == []


@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_logits(networks: dict[str, PneumoniaNetwork], name: str) -> None:
    network = networks[name].eval()
    with torch.no_grad():
        features = network.neck(network.features(films(name)))
        logits, doubled, none = (network.head(k * features) for k in (1, 2, 0))
        assert torch.equal(network(films(name)), logits)
    assert logits.shape == (2, 2)
    # The head is a plane: doubled features double its rise. A softmax would bend it.
    torch.testing.assert_close(doubled - none, 2 * (logits - none))


@pytest.mark.parametrize("name", MODELS)
def test_the_stages_are_what_heat_maps_and_embeddings_expect(
    networks: dict[str, PneumoniaNetwork], name: str
) -> None:
    network = networks[name].eval()
    with torch.no_grad():
        maps = network.features(films(name))
        features = network.neck(maps)
    assert maps.ndim == 4
    shape, width = {
        "cnn_94": ((24, 21, 21), 10),
        "cnn_v2": ((12, 40, 40), 10),
        "efficientnet_b0": ((1280, 7, 7), 100),
        "efficientnet_lite0": ((256, 10, 10), 256),
    }[name]
    assert maps.shape[1:] == shape
    assert features.shape == (2, width)


def test_only_a_pretrainable_backbone_has_backbone_parameters(
    networks: dict[str, PneumoniaNetwork],
) -> None:
    assert networks["cnn_94"].backbone_parameters() == []
    efficientnet = networks["efficientnet_b0"]
    backbone = sum(p.numel() for p in efficientnet.backbone_parameters())
    head = 1280 * 500 + 500 + 500 * 100 + 100 + 100 * 2 + 2
    assert backbone == sum(p.numel() for p in efficientnet.parameters()) - head


def test_the_seed_decides_the_weights() -> None:
    def first_weight(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return next(build_network("cnn_94").parameters())

    assert torch.equal(first_weight(1), first_weight(1))
    assert not torch.equal(first_weight(1), first_weight(2))


# --- output_shapes ---------------------------------------------------------------------------


def test_output_shapes_leaves_the_network_as_it_was_found() -> None:
    network = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    network.train()
    network[1].eval()  # a frozen part
    before = {key: value.clone() for key, value in network.state_dict().items()}
    output_shapes(network, torch.ones(2, 4))
    assert [module.training for module in network] == [True, False, True]
    assert not any(module._forward_hooks for module in network)
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())


def test_output_shapes_takes_its_hooks_away_when_the_network_fails() -> None:
    network = nn.Sequential(nn.Linear(4, 3), nn.Linear(4, 2))
    with pytest.raises(RuntimeError, match="shapes"):
        output_shapes(network, torch.ones(2, 4))
    assert network.training
    assert not any(module._forward_hooks for module in network)


# --- input and registry ----------------------------------------------------------------------


def test_normalising_by_hand() -> None:
    wanted = InputFormat(size=1, channels=3, mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 2.0))
    out = wanted.normalise(torch.tensor([[[[0.5]]], [[[1.0]]]]))
    assert out.flatten(1).tolist() == [[0.0, 1.0, 0.25], [1.0, 3.0, 0.5]]


def test_the_registry_is_read_only() -> None:
    with pytest.raises(TypeError):
        MODELS["mine"] = MODELS["cnn_94"]  # type: ignore[index]


def test_models_go_by_their_names() -> None:
    assert list(MODELS) == [model.name for model in MODELS.values()]
    assert find_model("cnn_v2").input == InputFormat(100, 1, (0.485,), (0.229,))


@pytest.mark.parametrize("lookup", [find_model, build_network])
def test_an_unknown_model_offers_the_known(lookup: object) -> None:
    with pytest.raises(
        UnknownName, match="no architecture named 'vgg'.*cnn_94, cnn_v2, efficientnet_b0"
    ):
        lookup("vgg")  # type: ignore[operator]
