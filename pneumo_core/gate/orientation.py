"""The same X-ray, turned or with black and white swapped."""

import numpy as np

from pneumo_core.imaging import Radiograph

__all__ = ["inverted_radiograph", "turned_radiograph"]


def turned_radiograph(radiograph: Radiograph, quarters: int) -> Radiograph:
    """Return the X-ray turned by quarters of a circle to the left."""
    turned = np.ascontiguousarray(np.rot90(radiograph.pixels, quarters))
    return Radiograph(radiograph.name, turned, radiograph.facts)


def inverted_radiograph(radiograph: Radiograph) -> Radiograph:
    """Return the X-ray with black and white swapped."""
    return Radiograph(radiograph.name, 1 - radiograph.pixels, radiograph.facts)
