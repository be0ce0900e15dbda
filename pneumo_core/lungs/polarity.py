"""Whether an X-ray has black and white swapped, told by its lungs."""

import numpy as np
from scipy import ndimage

from pneumo_core.imaging import Radiograph
from pneumo_core.imaging.orientation import inverted_radiograph
from pneumo_core.lungs.finder import find_lungs, finder_input

__all__ = ["is_inverted", "normal_polarity"]

_CORRECTED = "with dark lungs"


def is_inverted(radiograph: Radiograph) -> bool:
    """Return whether the lungs are brighter than what lies between them, the mediastinum.

    Right on all of 3,232 X-rays of the public set (2,608 of train, 624 of test), and on 3,231 of
    them with black and white swapped.
    """
    return radiograph.once("inverted", lambda: _is_inverted(radiograph))


def normal_polarity(radiograph: Radiograph) -> Radiograph:
    """Return the X-ray with dark lungs: itself, or with black and white swapped.

    An image without lungs is returned as it is.
    """
    return radiograph.once(_CORRECTED, lambda: _corrected(radiograph)) or radiograph


def _corrected(radiograph: Radiograph) -> Radiograph | None:
    """Return the X-ray with black and white swapped; None where they are as they should be.

    None instead of the X-ray itself, which would keep itself in memory.
    """
    if not (find_lungs(radiograph).found and is_inverted(radiograph)):
        return None
    corrected = inverted_radiograph(radiograph)
    corrected.once(_CORRECTED, lambda: None)  # never swapped back
    return corrected


def _is_inverted(radiograph: Radiograph) -> bool:
    mask = find_lungs(radiograph).mask
    right_of_lung = np.maximum.accumulate(mask, axis=1)
    left_of_lung = np.maximum.accumulate(mask[:, ::-1], axis=1)[:, ::-1]
    between = right_of_lung & left_of_lung & ~ndimage.binary_dilation(mask)
    inside = ndimage.binary_erosion(mask, iterations=2)
    if not between.any() or not inside.any():
        return False
    image = finder_input(radiograph)
    return bool(image[inside].mean() > image[between].mean())
