"""Input formats of networks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Framing", "InputFormat"]


@dataclass(frozen=True)
class Framing:
    """A crop to the box around the lungs, enlarged by the factor ``margin`` on both sides.

    ``beyond``: what fills the crop beyond the X-ray's edge: its mirror image, or black. Black shows
    a network how the X-ray was framed.
    """

    margin: float = 1.12
    beyond: Literal["mirror", "black"] = "mirror"


@dataclass(frozen=True)
class InputFormat:
    """A network's input: X-rays resized to size × size, then (pixels - mean) / std.

    ``size`` in pixels; ``channels`` 1 or 3 (the grey value repeated); ``mean`` and ``std`` per
    channel, of pixels in [0, 1]; ``framing``: which part of the X-ray, None for the whole of it.
    """

    size: int
    channels: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    framing: Framing | None = None

    def normalise(self, films: "Tensor") -> "Tensor":
        """Return the input (N, channels, S, S) for X-rays (N, 1, S, S) float in [0, 1]."""
        import torch

        mean = films.new_tensor(self.mean).view(1, -1, 1, 1)
        std = films.new_tensor(self.std).view(1, -1, 1, 1)
        repeated = films.expand(-1, self.channels, -1, -1)
        return ((repeated - mean) / std).contiguous(memory_format=torch.channels_last)
