"""X-rays rotated, or with black and white swapped."""

from dataclasses import replace

import numpy as np

from pneumo_core.imaging.radiograph import FileFacts, Radiograph

__all__ = ["inverted_radiograph", "rotation_text", "turned_radiograph"]

_OPPOSITE = str.maketrans("APRLHF", "PALRFH")
_TEXTS = ("", "90° to the left", "180°", "90° to the right")


def turned_radiograph(radiograph: Radiograph, quarters: int) -> Radiograph:
    """Return the X-ray rotated by quarter turns to the left, with its facts."""
    turned = np.ascontiguousarray(np.rot90(radiograph.pixels, quarters))
    facts = radiograph.facts
    for _ in range(quarters % 4):
        facts = _turned_facts(facts)
    rotated = (radiograph.rotated + quarters) % 4
    return Radiograph(radiograph.name, turned, facts, rotated)


def inverted_radiograph(radiograph: Radiograph) -> Radiograph:
    """Return the X-ray with black and white swapped."""
    return replace(radiograph, pixels=1 - radiograph.pixels)


def rotation_text(quarters: int) -> str:
    """Return how far quarter turns to the left rotate: "90° to the left"; "" for not at all."""
    return _TEXTS[quarters % 4]


def _turned_facts(facts: FileFacts) -> FileFacts:
    """Return the facts after a quarter turn to the left, which exchanges rows and columns."""
    spacing, orientation = facts.pixel_spacing_mm, facts.orientation
    return replace(
        facts,
        width=facts.height,
        height=facts.width,
        pixel_spacing_mm=None if spacing is None else (spacing[1], spacing[0]),
        orientation=None
        if orientation is None
        else (orientation[1], orientation[0].translate(_OPPOSITE)),
    )
