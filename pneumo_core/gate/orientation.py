"""Rotated and inverted versions of an X-ray."""

import numpy as np

from pneumo_core.imaging import FilmFacts, Radiograph

__all__ = ["inverted_radiograph", "rotation_text", "turned_radiograph"]

_OPPOSITE = str.maketrans("APRLHF", "PALRFH")
_TEXTS = ("", "90° to the left", "180°", "90° to the right")


def turned_radiograph(radiograph: Radiograph, quarters: int) -> Radiograph:
    """Return the X-ray rotated by quarter turns to the left."""
    turned = np.ascontiguousarray(np.rot90(radiograph.pixels, quarters))
    facts = radiograph.facts
    for _ in range(quarters % 4):
        facts = _turned_facts(facts)
    rotated = (radiograph.rotated + quarters) % 4
    return Radiograph(radiograph.name, turned, facts, rotated)


def inverted_radiograph(radiograph: Radiograph) -> Radiograph:
    """Return the X-ray inverted."""
    return Radiograph(radiograph.name, 1 - radiograph.pixels, radiograph.facts)
