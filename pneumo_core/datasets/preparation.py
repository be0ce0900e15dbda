"""What is done with each X-ray of a dataset before it is stored."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from pneumo_core.imaging.radiograph import Radiograph, to_input

__all__ = ["Preparation", "Squashed"]


class Preparation(Protocol):
    """Preparation of an X-ray as a square, uint8 (side, side); ``key`` identifies it."""

    @property
    def side(self) -> int: ...

    @property
    def key(self) -> str: ...

    def __call__(self, radiograph: Radiograph) -> np.ndarray: ...

    def remark(self, radiograph: Radiograph) -> str:
        """Return a word to keep about the prepared X-ray; "" where there is nothing to say."""
        ...


@dataclass(frozen=True)
class Squashed:
    """A whole X-ray resized to a square."""

    side: int
    key: str = ""

    def __call__(self, radiograph: Radiograph) -> np.ndarray:
        return to_input(radiograph.pixels, self.side)

    def remark(self, radiograph: Radiograph) -> str:
        """Return nothing: every X-ray can be resized."""
        return ""
