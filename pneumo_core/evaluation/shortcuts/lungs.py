"""Properties of the lungs' position in an X-ray, with any lung finder."""

import importlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pneumo_core.evaluation.shortcuts.properties import LUNG_PROPERTIES
from pneumo_core.imaging import Radiograph

__all__ = ["LungsLike", "NamedLungFinder", "installed_finder", "lung_properties"]


class LungBox(Protocol):
    """The box around both lungs, as fractions of the image's height and width in [0, 1]."""

    @property
    def top(self) -> float: ...
    @property
    def bottom(self) -> float: ...
    @property
    def left(self) -> float: ...
    @property
    def right(self) -> float: ...


class LungsLike(Protocol):
    """A lung finder's result for one X-ray; ``box`` is None if no lungs were found."""

    @property
    def found(self) -> bool: ...
    @property
    def box(self) -> LungBox | None: ...


@dataclass(frozen=True)
class NamedLungFinder:
    """A lung finder and its name, under which its measurements are cached."""

    name: str
    find: Callable[[Radiograph], LungsLike]


def installed_finder() -> NamedLungFinder | None:
    """Return the lung finder of this library; None if it has none."""
    if importlib.util.find_spec("pneumo_core.lungs") is None:
        return None
    lungs = importlib.import_module("pneumo_core.lungs")
    return NamedLungFinder(f"pneumo {lungs.lung_finder().identity}", lungs.find_lungs)


def lung_properties(radiograph: Radiograph, finder: NamedLungFinder | None) -> dict[str, float]:
    """Measure the size and position of the lungs; NaN without a finder, or if none are found."""
    lungs = finder.find(radiograph) if finder else None
    if lungs is None or not lungs.found or lungs.box is None:
        return dict.fromkeys(LUNG_PROPERTIES, float("nan"))
    box = lungs.box
    return {
        "lung_height": box.bottom - box.top,
        "lung_width": box.right - box.left,
        "lung_centre_down": (box.top + box.bottom) / 2,
        "lung_centre_across": (box.left + box.right) / 2,
    }
