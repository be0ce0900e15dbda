"""The lung finder: a mask of both lungs, the box around it, and the finder's confidence."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pneumo_core.imaging import ImageInput, Radiograph, contour_lines, read_radiograph, to_input
from pneumo_core.lungs.box import Box, box_around
from pneumo_core.lungs.installed import lung_finder
from pneumo_core.lungs.interface import SIDE, ConfidenceLimits, LungFinder

__all__ = ["Lungs", "find_lungs", "finder_input"]

Chances = NDArray[np.float32]

_SPECK = 0.08
"""The smallest part of the mask that counts as lung, as a share of the largest part."""


@dataclass(frozen=True, eq=False)
class Lungs:
    """Both lungs in one X-ray, including the region behind the heart.

    Attributes:
        mask: bool (112, 112), of the X-ray resized to a square.
        box: around the mask; None if it is empty.
        confidence: in [0, 1], the expected Dice coefficient of the mask: 2 Σ p m / (Σ p + Σ m) over
            its probabilities p and mask m. Near 1 on a chest X-ray.
        limits: the finder's confidences from which lungs count as found.
    """

    mask: NDArray[np.bool_]
    box: Box | None
    confidence: float
    limits: ConfidenceLimits = field(default_factory=ConfidenceLimits)

    @property
    def found(self) -> bool:
        """Whether they are reliable enough to frame a network's input."""
        return self.box is not None and self.confidence >= self.limits.possible

    @property
    def found_box(self) -> Box | None:
        """The box of lungs that are reliable enough; None where they are not found."""
        return self.box if self.found else None

    def outline(self) -> list[NDArray[np.float64]]:
        """Return closed lines around the lungs, float64 (n, 2) of (x, y) in [0, 1]; [] if none."""
        if not self.found:
            return []
        return contour_lines(self.mask.astype(np.float32), (0.5,))[0.5]

    @property
    def sure(self) -> bool:
        """Whether the confidence is as high as on nearly every chest X-ray."""
        return self.found and self.confidence >= self.limits.sure

    def share(self, heat: NDArray[np.float32]) -> float:
        """Return the share of a heat map (H, W) inside the lungs; NaN for an empty map."""
        total = float(heat.sum(dtype=np.float64))
        if not total > 0:
            return float("nan")
        rows, columns = (np.arange(n) * SIDE // n for n in heat.shape)
        inside = self.mask[np.ix_(rows, columns)]
        return float(heat[inside].sum(dtype=np.float64)) / total


def find_lungs(image: ImageInput | Radiograph, *, finder: LungFinder | None = None) -> Lungs:
    """Find both lungs in an X-ray. The result is cached on the Radiograph.

    Args:
        image: a Radiograph, or a path, bytes, array, open file or Pillow image to decode.
        finder: a finder to use instead of ``lung_finder()``.

    Returns:
        The mask, the box around it and the confidence. An image without lungs has ``found`` False.

    Raises:
        UnreadableImage: ``image`` can't be decoded.
    """
    used = finder or lung_finder()
    radiograph = image if isinstance(image, Radiograph) else read_radiograph(image)
    return radiograph.once(("lungs", used.identity), lambda: _find(radiograph, used))


def finder_input(radiograph: Radiograph) -> NDArray[np.uint8]:
    """Return the X-ray as the finder sees it, uint8 (112, 112); computed once."""
    return radiograph.once(("finder input", SIDE), lambda: to_input(radiograph.pixels, SIDE))


def _find(radiograph: Radiograph, finder: LungFinder) -> Lungs:
    image = finder_input(radiograph)
    chances = _without_specks(finder.chances(image[np.newaxis])[0])
    mask = chances > 0.5
    either = float(chances.sum() + mask.sum())
    confidence = 2 * float(chances[mask].sum()) / either if mask.any() else 0.0
    return Lungs(mask, box_around(chances), confidence, finder.limits)


def _without_specks(chances: Chances) -> Chances:
    """Set parts far smaller than the largest one to zero: letters, tubes, bowel gas."""
    parts, count = ndimage.label(chances > 0.5)
    if count < 2:
        return chances
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    small = np.flatnonzero(sizes < _SPECK * sizes.max())
    return np.where(np.isin(parts, small[small > 0]), np.float32(0), chances)
