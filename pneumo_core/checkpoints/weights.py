"""Weights of networks: stored as float16, computed in float32."""

from collections.abc import Mapping, Sequence

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from pneumo_core.errors import TrainingError, UnknownName
from pneumo_core.models import PneumoniaNetwork, build_network

__all__ = ["as_member", "load_networks", "stored_precision", "to_safetensors", "unstorable"]

Weights = Mapping[str, Tensor]


def to_safetensors(weights: Weights) -> bytes:
    """Return the weights as a safetensors file, in float16."""
    return safetensors.torch.save({name: _to_float16(tensor) for name, tensor in weights.items()})


def unstorable(weights: Weights) -> str:
    """Return the first tensor with values that float16 can't represent, or "" if none."""
    wrong = (name for name, each in weights.items() if not torch.isfinite(_to_float16(each)).all())
    return next(wrong, "")


def stored_precision(weights: Weights) -> dict[str, Tensor]:
    """Return the weights as after saving and loading: rounded to float16 and back."""
    return {name: _to_float32(_to_float16(tensor)) for name, tensor in weights.items()}


def as_member(weights: Weights, number: int) -> dict[str, Tensor]:
    """Return a network's weights with the tensor names of a numbered member of an ensemble."""
    return {f"{number}/{name}": tensor for name, tensor in weights.items()}


def load_networks(
    content: bytes, models: Sequence[tuple[str, int]], *, members: bool = False
) -> list[PneumoniaNetwork]:
    """Load the networks of a safetensors file: float32, in eval mode, without gradients.

    ``models``: their architectures, and the sides of their inputs in pixels; ``members``: whether
    they are an ensemble's, with numbered tensors. Raises ValueError with the reason as a clause.
    """
    try:
        weights = {k: _to_float32(tensor) for k, tensor in safetensors.torch.load(content).items()}
    except safetensors.SafetensorError as error:
        raise ValueError("its weights can't be read") from error
    if not all(bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
        raise ValueError("its weights contain values that are not numbers")
    return [
        _network(model, size, _of_member(weights, number) if members else weights)
        for number, (model, size) in enumerate(models)
    ]


def _network(model: str, size: int, weights: Weights) -> PneumoniaNetwork:
    try:
        with torch.random.fork_rng(devices=[]):  # the initial weights are replaced at once
            network = build_network(model, size)
        network.load_state_dict(weights)
    except (RuntimeError, UnknownName, TrainingError) as error:
        raise ValueError(f"its weights don't fit {model}") from error
    return network.eval().requires_grad_(False)


def _of_member(weights: Weights, number: int) -> dict[str, Tensor]:
    prefix = f"{number}/"
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def _to_float16(tensor: Tensor) -> Tensor:
    return (tensor.half() if tensor.is_floating_point() else tensor).detach().cpu().contiguous()


def _to_float32(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
