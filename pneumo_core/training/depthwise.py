"""A faster backward pass of depthwise convolutions on CPUs that compute in bfloat16.

oneDNN's bfloat16 kernels for the weight gradient of wide kernels and for the input gradient of
strided ones are 3 to 5 × slower than the float32 kernels, conversion included, and take most of an
EfficientNet's training step. The float32 gradients are also more exact.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

__all__ = ["QuickDepthwise"]

_BACKWARD = torch.ops.aten.convolution_backward.default


class QuickDepthwise(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Computes the slow gradients in float32 while active. Wrap it around backward."""

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is not _BACKWARD or not _is_depthwise(args):
            return func(*args, **(kwargs or {}))
        gradient, films, weights = args[:3]
        stride, wanted = args[4], args[10]
        strided, wide = max(stride) > 1, weights.shape[-1] > 3
        exact = (gradient.float(), films.float(), weights.float()) if strided or wide else None
        to_films = _part(args, exact if strided else None, [wanted[0], False, False])[0]
        to_weights = _part(args, exact if wide else None, [False, wanted[1], wanted[2]])
        return (to_films, *to_weights[1:])


def _is_depthwise(args: tuple[Any, ...]) -> bool:
    films, groups = args[1], args[9]
    narrow = films.dtype == torch.bfloat16 and films.device.type == "cpu"
    return bool(narrow and groups > 1 and groups == films.shape[1])


def _part(
    args: tuple[Any, ...], exact: tuple[Tensor, ...] | None, wanted: list[bool]
) -> tuple[Tensor | None, ...]:
    """Return some of the three gradients (input, weights, bias), in float32 for float32 tensors."""
    if not any(wanted):
        return None, None, None
    tensors = exact or args[:3]
    parts = _BACKWARD(*tensors, *args[3:10], wanted)
    return tuple(part if part is None else part.to(args[0].dtype) for part in parts)
