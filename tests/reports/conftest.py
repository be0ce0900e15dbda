"""Readings and results, made by hand: what reports say must not depend on what a network says."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.explanations import HeatMap
from pneumo_core.imaging import FileFacts, Radiograph, read_radiograph
from pneumo_core.lungs import Box, Lungs
from pneumo_core.metrics import Estimate
from pneumo_core.reading import Rates, Reading
from pneumo_core.reports import Overlay, Result, result_of

HEAT = np.zeros((4, 4), np.float32)
HEAT[1, 2] = 3.0
"""Evidence in one cell, right of the middle and above it."""


def heat_map(values: np.ndarray = HEAT, method: str = "grad_cam") -> HeatMap:
    return HeatMap((values,), 1, method)


LEFT = Lungs(np.arange(112) < np.full((112, 1), 56), Box(0.0, 0.0, 1.0, 0.5), 0.95)
"""Lungs that fill the left half of an X-ray."""

MOSTLY_OUTSIDE = Overlay(replace(heat_map(), inside_lungs=0.4123, lungs=LEFT))
NO_LUNGS = Overlay(replace(heat_map(), lungs=replace(LEFT, confidence=0.3)))


RATES = Rates("test", 100, 50, Estimate(0.9, 0.8, 0.95), Estimate(0.8, 0.7, 0.9))
"""In place of those of the checkpoint's two films."""

COLOURS = Overlay(heat_map())


def film(height: int = 96, width: int = 80, name: str = "film.png", **facts: Any) -> Radiograph:
    """A grey ramp."""
    pixels = np.tile(np.linspace(0, 1, width, dtype=np.float32), (height, 1))
    return Radiograph(name, pixels, FileFacts("PNG", width, height, 8, False, **facts))


@pytest.fixture
def reading(checkpoint: Checkpoint) -> Reading:
    """Pneumonia with probability 0.93, at the operating point balanced (0.5)."""
    unread = Reading(
        file="film.png",
        status="read",
        model=checkpoint.name,
        version=checkpoint.card.version,
        operating_point="balanced",
        threshold=0.5,
        probability=0.93,
    )
    return unread.at(checkpoint.card.operating_point("balanced"))


Make = Callable[..., Result]


@pytest.fixture
def make(checkpoint: Checkpoint, reading: Reading) -> Make:
    """Give a maker of results: ``make(film, overlay=..., prevalence=..., warnings=...)``.

    ``film`` is a radiograph or a file's bytes; what a reading has changes the reading.
    """

    def result(
        source: Radiograph | bytes | None = None,
        *,
        overlay: Overlay | None = COLOURS,
        deidentify: bool = True,
        name: str = "film.png",
        prevalence: float | None = None,
        **changes: Any,
    ) -> Result:
        radiograph = source if isinstance(source, Radiograph) else film(name=name)
        if isinstance(source, bytes):
            radiograph = read_radiograph(source, name=name)
        changed = replace(reading, file=radiograph.name, **changes)
        made = result_of(
            changed,
            checkpoint,
            radiograph,
            overlay=overlay,
            deidentify=deidentify,
            prevalence=prevalence,
        )
        return replace(made, rates=RATES)

    return result
