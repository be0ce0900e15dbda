"""A finder that sees whatever is bright, so that tests need no real lungs."""

import numpy as np
from numpy.typing import NDArray

from pneumo_core.imaging import FileFacts, Radiograph
from pneumo_core.lungs import ConfidenceLimits


class BrightFinder:
    """Takes each pixel's brightness for its probability of lung."""

    identity = "bright"
    limits = ConfidenceLimits()

    def chances(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return (images / np.float32(255)).astype(np.float32)


def radiograph(pixels: NDArray[np.float32]) -> Radiograph:
    height, width = pixels.shape
    facts = FileFacts("PNG", width, height, bits=8, colour=False)
    return Radiograph("film.png", np.ascontiguousarray(pixels, np.float32), facts)
