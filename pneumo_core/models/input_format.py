"""What a network takes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Framing", "InputFormat"]


@dataclass(frozen=True)
class Framing:
    """The input shows the box around the lungs, both of its sides ``margin`` times as long."""

    margin: float = 1.12


@dataclass(frozen=True)
class InputFormat:
    """What a network takes: X-rays brought to size × size, then (pixels - mean) / std.

    ``size`` in pixels; ``channels`` 1 or 3 (the grey value repeated); ``mean`` and ``std`` per
    channel, of pixels in [0, 1]; ``framing``: which part of the X-ray, None for the whole of it.
    """

    size: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    framing: Framing | None = None

    def normalise(self, films: "Tensor") -> "Tensor":
        """Films (N, 1, S, S) float in [0, 1] → network input (N, channels, S, S), channels last."""
        import torch

        mean = films.new_tensor(self.mean).view(1, -1, 1, 1)
        std = films.new_tensor(self.std).view(1, -1, 1, 1)
        repeated = films.expand(-1, self.channels, -1, -1)
        return ((repeated - mean) / std).contiguous(memory_format=torch.channels_last)
