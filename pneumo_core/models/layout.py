"""Layouts of a module's output: feature maps, or tokens on a grid."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

__all__ = ["Layout"]


@dataclass(frozen=True)
class Layout:
    """How a module lays out a square grid of positions, h = w.

    ``order``: "maps" (N, K, h, w); "channels last" (N, h, w, K), as Swin; or "tokens"
    (N, P + h · w, K), row by row, after ``prefix`` P tokens that stand for no place, such as the
    class token of a vision transformer.
    """

    order: Literal["maps", "channels last", "tokens"] = "maps"
    prefix: int = 0

    def fitted(self, output: object) -> "Layout | None":
        """Return the layout of another module's output in the same network; None without a grid."""
        if not isinstance(output, Tensor):
            return None
        if output.ndim == 3:
            lengths = {each: output.shape[1] - each for each in (self.prefix, 0)}
            fits = (prefix for prefix, length in lengths.items() if _is_square(length))
            prefix = next(fits, None)
            return None if prefix is None else replace(self, order="tokens", prefix=prefix)
        if output.ndim != 4:
            return None
        _, first, second, last = output.shape
        if first == second and (second != last or self.order == "channels last"):
            return replace(self, order="channels last")
        return replace(self, order="maps") if second == last else None

    def split(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """Return a module's output as maps (N, K, h, w), and the tokens (N, P, K) before them."""
        if self.order == "maps":
            return output, output.new_empty(len(output), 0, output.shape[1])
        if self.order == "channels last":
            return output.permute(0, 3, 1, 2), output[:, 0, :0]
        side = math.isqrt(int(output.shape[1]) - self.prefix)
        places = output[:, self.prefix :].reshape(-1, side, side, output.shape[2])
        return places.permute(0, 3, 1, 2), output[:, : self.prefix]

    def join(self, maps: Tensor, tokens: Tensor) -> Tensor:
        """Undo ``split``."""
        if self.order == "maps":
            return maps
        places = maps.permute(0, 2, 3, 1)
        if self.order == "channels last":
            return places
        in_a_row = places.flatten(1, 2)
        return torch.cat([tokens, in_a_row], dim=1) if self.prefix else in_a_row


def _is_square(length: int) -> bool:
    """Return whether so many tokens form a square grid of more than one position."""
    return length > 1 and math.isqrt(length) ** 2 == length
