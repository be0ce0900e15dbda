"""Sentences about heat maps that lie mostly outside the lungs, after a list of X-rays."""

from pathlib import Path
from typing import TYPE_CHECKING

from pneumo_core.core.files import on_one_line
from pneumo_core.core.text import first_of

if TYPE_CHECKING:
    from pneumo_core.explanations import HeatMap

__all__ = ["LungsTally"]

_NAMED = 5
"""The most X-rays to name in a sentence."""


class LungsTally:
    """Counts heat maps, and remembers whose lie mostly outside the lungs or have no lungs."""

    def __init__(self) -> None:
        self._maps = 0
        self._outside: list[str] = []
        self._without: list[str] = []

    def add(self, path: Path, heat: "HeatMap | None") -> None:
        """Count the heat map of an X-ray; None was not made."""
        if heat is None:
            return
        self._maps += 1
        if heat.lungs_warning:
            named = self._outside if heat.mostly_outside else self._without
            named.append(on_one_line(path.name))

    def sentences(self) -> list[str]:
        """Return a sentence for each kind; none for a single X-ray, whose line or row says it."""
        if self._maps < 2:
            return []
        kinds = (
            ("less than half lies inside the lungs", self._outside),
            ("the share inside the lungs is not known, because none were found", self._without),
        )
        return [
            f"In {len(names)} of {self._maps:,} heat maps {what}: {first_of(names, _NAMED)}."
            for what, names in kinds
            if names
        ]
