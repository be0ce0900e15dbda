"""A network's weights: float16 as they are stored, float32 as they compute."""

from collections.abc import Mapping, Sequence

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from pneumo_core.errors import TrainingError, UnknownName
from pneumo_core.models import PneumoniaNetwork, build_network

__all__ = ["as_member", "packed", "stored_precision", "trained", "unstorable"]

Weights = Mapping[str, Tensor]


def packed(weights: Weights) -> bytes:
    """The weights as a safetensors file, float16."""
    return safetensors.torch.save({name: _narrowed(tensor) for name, tensor in weights.items()})


def unstorable(weights: Weights) -> str:
    """The first tensor with values that float16 can't hold, or "" where there is none."""
    wrong = (name for name, each in weights.items() if not torch.isfinite(_narrowed(each)).all())
    return next(wrong, "")


def stored_precision(weights: Weights) -> dict[str, Tensor]:
    """The weights as they will be after a save and a load: rounded to float16 and back."""
    return {name: _widened(_narrowed(tensor)) for name, tensor in weights.items()}


def as_member(weights: Weights, number: int) -> dict[str, Tensor]:
    """A network's weights under the names they have as a numbered member of an ensemble."""
    return {f"{number}/{name}": tensor for name, tensor in weights.items()}


def trained(
    content: bytes, models: Sequence[tuple[str, int]], *, members: bool = False
) -> list[PneumoniaNetwork]:
    """The networks of a safetensors file: float32, in eval mode, without gradients.

    ``models``: their architectures, and the sides of their films in pixels; ``members``: they are
    an ensemble's, whose tensors carry numbers. Raises ValueError with the reason, as the end of a
    sentence.
    """
    try:
        weights = {k: _widened(tensor) for k, tensor in safetensors.torch.load(content).items()}
    except safetensors.SafetensorError as error:
        raise ValueError("its weights can't be read") from error
    if not all(bool(torch.isfinite(tensor).all()) for tensor in weights.values()):
        raise ValueError("its weights hold values that are not numbers")
    return [
        _network(model, size, _of_member(weights, number) if members else weights)
        for number, (model, size) in enumerate(models)
    ]


def _network(model: str, size: int, weights: Weights) -> PneumoniaNetwork:
    try:
        with torch.random.fork_rng(devices=[]):  # its fresh weights are drawn and thrown away
            network = build_network(model, size)
        network.load_state_dict(weights)
    except (RuntimeError, UnknownName, TrainingError) as error:
        raise ValueError(f"its weights don't fit {model}") from error
    return network.eval().requires_grad_(False)


def _of_member(weights: Weights, number: int) -> dict[str, Tensor]:
    prefix = f"{number}/"
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def _narrowed(tensor: Tensor) -> Tensor:
    return (tensor.half() if tensor.is_floating_point() else tensor).detach().cpu().contiguous()


def _widened(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
