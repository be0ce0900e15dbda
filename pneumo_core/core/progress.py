"""Progress callbacks."""

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Progress"]

Progress: TypeAlias = Callable[[int, int], None]
"""Called with (done, total) as work goes on; raising from it stops the work."""
