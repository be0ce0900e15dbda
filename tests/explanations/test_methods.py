"""Every method on real networks: like captum's, mirrored with the film, from several threads."""

import functools
import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from torch import Tensor, nn

from pneumo_core.checkpoints import list_checkpoints
from pneumo_core.errors import PneumoError, UnknownName
from pneumo_core.explanations import METHODS, HeatMap, Layer, convolutions, heat_map, layers
from pneumo_core.inference import Runtime, open_runtime
from tests.conftest import draw_film
from tests.explanations.networks import INPUT, backbone, ensemble, mirrored, noise, small

SHIPPED = list_checkpoints(Path(__file__).parents[2] / "checkpoints")[0]
SLOW = [method.name for method in METHODS.values() if method.slow]
AT_LAYERS = [method.name for method in METHODS.values() if method.takes_layer]


def same(a: HeatMap, b: HeatMap, *, within: float = 0.0) -> bool:
    """Whether parts differ by no more than that share of their peak."""
    pairs = zip(a.parts, b.parts, b.peaks, strict=True)
    return all(np.abs(one - other).max() <= within * peak for one, other, peak in pairs)


def flipped(heat: HeatMap) -> HeatMap:
    parts = tuple(part[:, ::-1] for part in heat.parts)
    return HeatMap(parts, heat.label, heat.method, heat.layer)


# --- the list of methods -----------------------------------------------------------------------


def test_the_methods_are_told_for_people_and_cannot_be_changed() -> None:
    assert next(iter(METHODS)) == "grad_cam"
    assert [method.name for method in METHODS.values()] == list(METHODS)
    assert all(method.source.startswith(("doi 10.", "arXiv:")) for method in METHODS.values())
    assert all(method.about.endswith(".") for method in METHODS.values())
    with pytest.raises(TypeError):
        METHODS["grad_cam"] = METHODS["occlusion"]  # type: ignore[index]


# --- on real networks --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def b0() -> Runtime:
    return backbone()


@pytest.fixture(scope="module")
def runtimes(b0: Runtime) -> dict[str, Runtime]:
    cnn_94 = next(each for each in SHIPPED if each.name == "cnn_94")
    return {"cnn_94": open_runtime(cnn_94), "efficientnet_b0": b0, "ensemble": ensemble()}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["cnn_94", "efficientnet_b0", "ensemble"])
def test_every_method_finds_something_in_every_kind_of_network(
    name: str, method: str, runtimes: dict[str, Runtime]
) -> None:
    runtime = runtimes[name]
    film = draw_film(1, side=runtime.size)
    heats = [heat_map(runtime, film, label, method=method) for label in (0, 1)]
    for label, heat in enumerate(heats):
        assert (heat.label, heat.method, heat.layer) == (label, method, None)
        assert len(heat.parts) == len(runtime.members)
        assert all(part.dtype == np.float32 and part.min() >= 0 for part in heat.parts)
        assert all(np.isfinite(part).all() for part in heat.parts)
    assert any(heat.found for heat in heats)
    differ = not np.array_equal(heats[0].scaled(), heats[1].scaled())
    assert differ == METHODS[method].takes_label


def captums(runtime: Runtime, film: np.ndarray, label: int, module: nn.Module) -> np.ndarray:
    """captum's Grad-CAM of the only network: the sum over channels, not their mean."""
    (member,) = runtime.members
    maps = [
        LayerGradCam(member.network, module).attribute(view, label, relu_attributions=True)[0, 0]
        for view in runtime.views(film[np.newaxis], member)
    ]
    heat = maps[0] if len(maps) == 1 else (maps[0] + maps[1].flip(-1)) / 2
    return heat.detach().numpy()


def single_networks() -> list[tuple[str, Callable[[], Runtime]]]:
    """EfficientNet-B0 with fresh weights, and each network of the shipped checkpoints."""
    found: list[tuple[str, Callable[[], Runtime]]] = [("efficientnet_b0", backbone)]
    for place, shipped in enumerate(SHIPPED):
        for number in range(len(shipped.card.members) or 1):
            found.append((f"{shipped.name}-{number}", lambda c=place, n=number: only(c, n)))
    return found


@functools.lru_cache(maxsize=1)  # its networks are tested one after another
def opened(place: int) -> Runtime:
    return open_runtime(SHIPPED[place])


def only(place: int, number: int) -> Runtime:
    whole = opened(place)
    return Runtime((whole.members[number],), whole.calibration, whole.mirror)


def agrees(runtime: Runtime, film: np.ndarray, layer: Layer, *, name: str | None) -> int:
    """Whether both labels' maps are captum's; gives how many of them hold any evidence."""
    network = runtime.members[0].network
    path, _ = layer.tap
    module = network.features.get_submodule(path) if name else network.features
    found = 0
    for label in (0, 1):
        (ours,) = heat_map(runtime, film, label, layer=name).parts
        theirs = captums(runtime, film, label, module) / layer.channels
        assert ours == pytest.approx(theirs, abs=1e-4 * float(theirs.max()))
        found += int(ours.any())
    return found


@pytest.mark.parametrize("build", [pytest.param(b, id=name) for name, b in single_networks()])
def test_grad_cam_agrees_with_captum(build: Callable[[], Runtime]) -> None:
    runtime = build()
    last = convolutions(runtime)[-1]
    film = draw_film(1, side=runtime.size)
    films = [film, 255 - film, noise(size=runtime.size)]
    assert sum(agrees(runtime, film, last, name=None) for film in films)


@pytest.mark.parametrize("name", ["small", "efficientnet_b0"])
def test_grad_cam_agrees_with_captum_inside_the_network(name: str, b0: Runtime) -> None:
    runtime = b0 if name == "efficientnet_b0" else Runtime.of(small(1), INPUT)
    found = 0
    for layer in convolutions(runtime)[:8]:
        if "swish" not in layer.tap[0]:  # a block's is called twice, and captum sees the last call
            found += agrees(runtime, noise(size=runtime.size), layer, name=layer.name)
    assert found >= 2


class _Watched(nn.Module):
    """Notes whether gradients are on when films pass."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside
        self.watched: list[bool] = []

    def forward(self, films: Tensor) -> Tensor:
        maps: Tensor = self.inside(films)
        self.watched.append(maps.requires_grad)
        return maps


@pytest.mark.parametrize("method", AT_LAYERS)
def test_without_a_layer_nothing_before_the_last_maps_is_differentiated(method: str) -> None:
    network = small(1)
    network.features = _Watched(network.features)
    heat_map(Runtime.of(network, INPUT), noise(), 1, method=method)
    assert network.features.watched == [False]


# --- mirror images -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "layer"), [(m, None) for m in METHODS] + [(m, "conv 1") for m in AT_LAYERS]
)
def test_a_mirrored_film_has_the_mirrored_map(method: str, layer: str | None) -> None:
    # Of a network that can't tell left from right; only rounding differs.
    runtime, film = Runtime.of(small(3, symmetric=True), INPUT), noise()
    heats = [heat_map(runtime, film, label, method=method, layer=layer) for label in (0, 1)]
    assert any(heat.found for heat in heats)
    for label, heat in enumerate(heats):
        other = heat_map(runtime, mirrored(film), label, method=method, layer=layer)
        assert same(flipped(other), heat, within=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_where_both_views_are_read_the_mirrored_film_has_exactly_the_mirrored_map(
    method: str,
) -> None:
    runtime, film = ensemble(mirror=True), noise()
    for label in (0, 1):
        heat = heat_map(runtime, film, label, method=method)
        other = heat_map(runtime, mirrored(film), label, method=method)
        assert heat.found
        assert same(flipped(other), heat)
        # Bringing parts to one grid rounds otherwise from the other side.
        assert other.scaled()[:, ::-1] == pytest.approx(heat.scaled(), abs=1e-6)


@pytest.mark.parametrize("method", AT_LAYERS)
def test_inner_layers_mirror_exactly_too(method: str) -> None:
    runtime, film = Runtime.of(small(1), INPUT, mirror=True), noise()
    for layer in layers(runtime):
        heat = heat_map(runtime, film, 1, method=method, layer=layer)
        assert same(flipped(heat_map(runtime, mirrored(film), 1, method=method, layer=layer)), heat)


@pytest.mark.parametrize("method", METHODS)
def test_the_map_of_the_mirror_image_is_mirrored_back(method: str) -> None:
    network, film = small(1), noise()
    plain, both = Runtime.of(network, INPUT), Runtime.of(network, INPUT, mirror=True)
    there = heat_map(plain, film, 1, method=method).parts[0]
    back = heat_map(plain, mirrored(film), 1, method=method).parts[0][:, ::-1]
    assert heat_map(both, film, 1, method=method).parts[0] == pytest.approx((there + back) / 2)
    assert np.abs(there - back).max() > 0


# --- ensembles ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_an_ensembles_parts_are_its_members_maps(method: str) -> None:
    runtime, film = ensemble(), noise()
    parts = heat_map(runtime, film, 0, method=method).parts
    for part, member in zip(parts, runtime.members, strict=True):
        alone = heat_map(Runtime((member,)), film, 0, method=method)
        assert np.array_equal(part, alone.parts[0])


def test_a_layer_of_an_ensemble_belongs_to_one_member() -> None:
    runtime, film = ensemble(), noise()
    heat = heat_map(runtime, film, 0, method="layer_cam", layer="member 2, conv 1")
    alone = Runtime((runtime.members[1],))
    assert same(heat, heat_map(alone, film, 0, method="layer_cam", layer="conv 1"))
    assert (len(heat.parts), heat.layer, heat.found) == (1, "member 2, conv 1", True)


# --- several threads, nothing left behind ------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["small", pytest.param("efficientnet_b0", marks=pytest.mark.thorough)]
)
def test_several_threads_get_the_maps_of_one(name: str, b0: Runtime) -> None:
    runtime = b0 if name == "efficientnet_b0" else Runtime.of(small(1), INPUT, mirror=True)
    inner = (None, *layers(runtime)[::24])
    asked: list[tuple[str, str | None]] = list(itertools.product(AT_LAYERS, inner))
    if name == "small":
        asked += [(method, None) for method in SLOW]
    tasks = list(itertools.product(asked, (0, 1)))

    def look(task: tuple[tuple[str, str | None], int]) -> HeatMap:
        (method, layer), label = task
        film = noise(label, runtime.size)
        return heat_map(runtime, film, label, method=method, layer=layer)

    alone = [look(task) for task in tasks]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(look, tasks))
    for one, other in zip(alone, together, strict=True):
        assert same(other, one, within=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_the_network_and_torch_are_left_as_they_were_found(method: str) -> None:
    runtime = Runtime.of(small(1), INPUT)
    network = runtime.members[0].network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    random, numbers = torch.get_rng_state(), np.random.get_state()[1].copy()
    for layer in (None, "conv 1") if METHODS[method].takes_layer else (None,):
        heat_map(runtime, noise(), 1, method=method, layer=layer)
    assert torch.is_grad_enabled()
    assert torch.equal(torch.get_rng_state(), random)
    assert np.array_equal(np.random.get_state()[1], numbers)
    assert not any(untidy(module) for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())
    after = network.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def untidy(module: nn.Module) -> bool:
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks)
    return module.training or any(hooks)


@pytest.mark.parametrize("method", METHODS)
def test_maps_are_made_where_gradients_are_off(method: str) -> None:
    runtime, film = Runtime.of(small(1), INPUT), noise()
    expected = heat_map(runtime, film, 1, method=method)
    with torch.no_grad():
        assert same(heat_map(runtime, film, 1, method=method), expected)
        assert not torch.is_grad_enabled()


def test_maps_are_made_of_networks_whose_weights_are_frozen() -> None:
    network, film = small(1), noise()
    runtime = Runtime.of(network, INPUT)
    asked = [(m, layer) for m in AT_LAYERS for layer in (None, "conv 1")]
    asked += [(method, None) for method in SLOW]
    expected = [heat_map(runtime, film, 1, method=m, layer=layer) for m, layer in asked]
    network.requires_grad_(False)
    for (m, layer), heat in zip(asked, expected, strict=True):
        assert same(heat_map(runtime, film, 1, method=m, layer=layer), heat)


# --- progress ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("runtime", [Runtime.of(small(1), INPUT), ensemble(mirror=True)])
def test_progress_goes_up_to_its_total(runtime: Runtime, method: str) -> None:
    told: list[tuple[int, int]] = []
    heat_map(runtime, noise(), 1, method=method, progress=lambda *each: told.append(each))
    done, total = zip(*told, strict=True)
    assert list(done) == sorted(set(done))
    assert set(total) == {done[-1]}
    assert not METHODS[method].slow or len(told) > 1


@pytest.mark.parametrize("method", SLOW)
def test_a_slow_method_is_stopped_by_its_progress(method: str) -> None:
    class Stop(Exception):
        pass

    told: list[int] = []

    def stop(done: int, _total: int) -> None:
        told.append(done)
        if len(told) == 2:
            raise Stop

    with pytest.raises(Stop):
        heat_map(Runtime.of(small(1), INPUT), noise(), 1, method=method, progress=stop)
    assert len(told) == 2


# --- refusals ----------------------------------------------------------------------------------


def test_what_does_not_exist_is_refused() -> None:
    runtime, film = ensemble(), noise()
    with pytest.raises(UnknownName, match="no heat map method named 'lime'"):
        heat_map(runtime, film, 1, method="lime")
    with pytest.raises(UnknownName, match="no layer named 'conv 1'. Choose one of: member 1, conv"):
        heat_map(runtime, film, 1, layer="conv 1")
    with pytest.raises(ValueError, match="label 2 must be one of"):
        heat_map(runtime, film, 2)
    for other in (noise(size=17), noise().astype(np.float32), noise()[np.newaxis]):
        with pytest.raises(ValueError, match=r"must be uint8 \(N, 16, 16\)"):
            heat_map(runtime, other, 1)


@pytest.mark.parametrize("method", SLOW)
def test_a_method_that_takes_no_layer_says_so(method: str) -> None:
    with pytest.raises(PneumoError, match="takes no layer.*Leave the layer out"):
        heat_map(Runtime.of(small(1), INPUT), noise(), 1, method=method, layer="conv 1")


def test_a_network_without_evidence_gives_an_empty_map() -> None:
    network = small(1)
    with torch.no_grad():
        network.head.weight.zero_()
    for method in ("grad_cam", "layer_cam", *SLOW):
        assert not heat_map(Runtime.of(network, INPUT), noise(), 1, method=method).found
