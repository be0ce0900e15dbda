"""Names and activations of a network's convolutions and a transformer's blocks.

Networks are shared between threads, so hooks are put on a temporary copy of the modules, whose
tensors are the network's own.
"""

import copy
import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from pneumo_core.errors import UnknownName
from pneumo_core.inference import Member, Runtime
from pneumo_core.models import Layout, PneumoniaNetwork

__all__ = ["Layer", "convolutions", "find_convolution", "layers", "run_from"]


@dataclass(frozen=True)
class Layer:
    """A convolution of ``features`` with maps larger than one cell, or a transformer block.

    ``name``: "conv 3", the third one called, or "block 3"; in an ensemble "member 2, conv 3".
    ``module``: its path in ``features``. ``channels`` × ``height`` × ``width``: its maps.
    ``member``: number of its network, from 0. ``tap``: path of the module with its activation
    (itself, or the last of the normalisation and activation after a convolution), and the index of
    the call of that module. ``layout``: that module's layout.
    """

    name: str
    module: str
    channels: int
    height: int
    width: int
    member: int
    tap: tuple[str, int]
    layout: Layout


@dataclass(frozen=True, eq=False)
class _Call:
    """One call of a module: call index, input and output."""

    path: str
    number: int
    module: nn.Module
    taken: Tensor
    given: Tensor


def layers(runtime: Runtime) -> tuple[str, ...]:
    """Return the names of the layers that a map can be computed at, in calling order.

    For an ensemble, the layers of each network in turn. Takes one pass of each network, so keep the
    result.
    """
    return tuple(layer.name for layer in convolutions(runtime))


def convolutions(runtime: Runtime) -> tuple[Layer, ...]:
    """Return the layers that a map can be computed at, in the order of ``layers``."""
    return tuple(_convolutions(runtime))


def find_convolution(runtime: Runtime, name: str) -> Layer:
    """Return the layer with this name. Raises UnknownName."""
    for layer in _convolutions(runtime):
        if layer.name == name:
            return layer
    raise UnknownName("layer", name, layers(runtime))


def run_from(network: PneumoniaNetwork, view: Tensor, layer: Layer) -> tuple[Tensor, Tensor]:
    """Return the layer's activation (N, K, h, w) for a view (N, C, S, S), and the logits (N, 2).

    The graph of the logits starts at the activation, so only later layers are differentiated.
    """
    twin = _twin(network)
    path, wanted = layer.tap
    calls: list[Tensor] = []

    def cut(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
        calls.append(output)
        if len(calls) != wanted + 1:
            return output
        maps, tokens = layer.layout.split(output.detach())
        calls[wanted] = maps.requires_grad_(True)
        return layer.layout.join(maps.clone(), tokens)  # later modules may work in place

    twin.features.get_submodule(path).register_forward_hook(cut)
    with torch.enable_grad():
        logits = twin(view)
    return calls[wanted], logits


def _convolutions(runtime: Runtime) -> Iterator[Layer]:
    for number, member in enumerate(runtime.members):
        prefix = f"member {number + 1}, " if len(runtime.members) > 1 else ""
        yield from _of_member(member, number, prefix)


def _of_member(member: Member, number: int, prefix: str) -> Iterator[Layer]:
    calls = _calls(member)
    blocks = _blocks(calls, member.network.layout)
    counts: Counter[str] = Counter()
    for call in calls:
        if _is_convolution(call):
            kind, last, layout = "conv", _last_of_unit(call, calls), Layout()
        elif call in blocks:
            kind, last, layout = "block", call, blocks[call]
        else:
            continue
        channels, height, width = layout.split(last.given)[0].shape[1:]
        if height * width > 1:
            counts[kind] += 1
            tap = (last.path, last.number)
            name = f"{prefix}{kind} {counts[kind]}"
            yield Layer(name, call.path, channels, height, width, number, tap, layout)


def _is_convolution(call: _Call) -> bool:
    return isinstance(call.module, nn.Conv2d)


def _is_unit(module: nn.Module) -> bool:
    """Return whether a module is a leaf, a convolution or a normalisation.

    The latter two may contain padding or an activation."""
    return isinstance(module, nn.Conv2d | _NormBase) or not list(module.children())


def _blocks(calls: list[_Call], layout: Layout | None) -> dict[_Call, Layout]:
    """Return the innermost blocks that output one X-ray's tokens, and their layouts."""
    if layout is None:
        return {}
    candidates = [call for call in calls if not _is_unit(call.module) and len(call.given) == 1]
    fitted = ((call, layout.fitted(call.given)) for call in candidates)
    found = {call: fits for call, fits in fitted if fits and fits.order != "maps"}
    paths = [call.path for call in found]
    return {
        call: fits
        for call, fits in found.items()
        if not any(path.startswith(f"{call.path}.") for path in paths)
    }


def _last_of_unit(convolution: _Call, calls: list[_Call]) -> _Call:
    """Return the convolution's call, or that of the normalisation and activation after it."""
    last = convolution
    for call in calls[calls.index(convolution) + 1 :]:
        # An Identity, such as EfficientNet's padding of the next block, is on one branch only.
        next_one = call.taken is last.given and _is_unit(call.module)
        if next_one and not isinstance(call.module, nn.Identity):
            if _is_convolution(call) or call.given.shape != last.given.shape:
                break
            last = call
    return last


def _calls(member: Member) -> list[_Call]:
    """Return the calls in ``features`` for a black X-ray, in order: units, and listed blocks."""
    twin = _twin(member.network)
    calls: list[_Call] = []
    listed = {
        element
        for module in twin.features.modules()
        if isinstance(module, nn.Sequential | nn.ModuleList)
        for element in module
    }
    for path, module in twin.features.named_modules():
        if _is_unit(module) or module in listed:
            module.register_forward_hook(_recorder(path, calls))
    parameter = next(member.network.parameters())
    black = torch.zeros(1, 1, member.input.size, member.input.size, device=parameter.device)
    with torch.no_grad():
        twin.features(member.input.normalise(black))
    return calls


def _recorder(
    path: str, calls: list[_Call]
) -> Callable[[nn.Module, tuple[object, ...], object], None]:
    counted = itertools.count()

    def record(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        number = next(counted)
        if inputs and isinstance(inputs[0], Tensor) and isinstance(output, Tensor):
            calls.append(_Call(path, number, module, inputs[0], output))

    return record


def _twin(network: PneumoniaNetwork) -> PneumoniaNetwork:
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    return copy.deepcopy(network, shared)
