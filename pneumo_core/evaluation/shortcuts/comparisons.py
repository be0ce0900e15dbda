"""Results of the shortcut audit: one property or all, one split or two."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pneumo_core.evaluation.shortcuts.properties import Property
from pneumo_core.metrics import Estimate

__all__ = ["Level", "Separation", "Shift", "Together", "level_of"]

Level: TypeAlias = Literal["strong", "moderate", "weak", "none"]

_LEVELS: Mapping[Level, float] = {"strong": 0.8, "moderate": 0.65, "weak": 0.55}
"""The AUC that the lower end of an interval must reach for each level."""


@dataclass(frozen=True)
class Separation:
    """How well one property separates the labels of one split.

    ``auc`` is at least 0.5, whatever the direction; ``higher`` is the label (0, 1) with the higher
    values. NaN where unknown. ``medians``: of NORMAL and PNEUMONIA; ``measured``: the number of
    X-rays of each with a known value.
    """

    prop: Property
    split: str
    auc: Estimate
    higher: int
    medians: tuple[float, float]
    measured: tuple[int, int]

    @property
    def level(self) -> Level:
        return level_of(self.auc)


@dataclass(frozen=True)
class Together:
    """How well all properties together predict the label of a split, cross-validated by patient."""

    split: str
    auc: Estimate
    n: int


@dataclass(frozen=True)
class Shift:
    """How well one property separates X-rays of one label in ``split`` from those in train.

    ``auc`` is at least 0.5; ``medians``: of train and of ``split``. ``towards`` is the label that
    the X-rays of ``split`` resemble more than those of train do, by a property that separates the
    labels in train; None otherwise.
    """

    prop: Property
    split: str
    label: int
    auc: Estimate
    medians: tuple[float, float]
    towards: int | None

    @property
    def level(self) -> Level:
        return level_of(self.auc)


def level_of(auc: Estimate) -> Level:
    """Return how strong a separation is, by the lower end of the AUC's interval."""
    for level, least in _LEVELS.items():
        if auc.low >= least:
            return level
    return "none"
