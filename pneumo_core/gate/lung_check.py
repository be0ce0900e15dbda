"""Lung part of the image check: are there lungs, is the X-ray upright, is it inverted?"""

from dataclasses import replace

import numpy as np

from pneumo_core.imaging import Radiograph
from pneumo_core.imaging.orientation import turned_radiograph
from pneumo_core.lungs import (
    SIDE,
    Lungs,
    find_lungs,
    finder_input,
    lung_finder,
    normal_polarity,
)

__all__ = ["INVERTED", "NO_LUNGS", "TURNED", "lung_warnings", "quarters_to_upright"]

NO_LUNGS = "No lungs were found in this image. Upload a frontal chest X-ray that shows both lungs."
INVERTED = "This X-ray is inverted. It was corrected before reading and is shown corrected."
TURNED = {
    1: "The X-ray lies on its side. Rotate it by 90° to the left and read it again.",
    2: "The X-ray is upside down. Rotate it by 180° and read it again.",
    3: "The X-ray lies on its side. Rotate it by 90° to the right and read it again.",
}
"""Reasons for refusing a rotated X-ray, by the number of left quarter turns that correct it."""
_UNSURE = (
    "The outline of the lungs is uncertain in this X-ray, so the model may have looked at the "
    "wrong part of it. The result is less reliable."
)
_WHOLE = (
    "No lungs were found in this image, so the model saw the whole of it. Do not rely on the "
    "result."
)
_SHORT = (
    "The lungs found are unusually short for their width, so part of them may be hidden or cut "
    "off. Check their outline: the model sees only the box around it."
)
_CUT = (
    "The lungs reach the lower edge of this X-ray, so their bases seem to be cut off. The result "
    "says nothing about what is missing."
)
_EITHER_WAY = (
    "It is uncertain whether this X-ray is upright or upside down. Check it: the result holds only "
    "for an upright one."
)
_OTHER_FINDER = (
    "This model was trained with another version of the lung finder, so its metrics may not "
    "apply. Install the version of Pneumo that the model was trained with, or train it again."
)

_SHORTEST = 0.7
"""Height by width of the lungs' box, as shares of the X-ray's and in pixels; 1 of the 5,216 train
X-rays is below (0.69, median 1.05), and about 80 % of X-rays whose lower half is painted white."""
_CUT_FROM = 0.25
"""Part of the box's width along which lung lies on the lower edge; more on 4 in 1,000 train X-rays,
and on 70 to 90 % of those cut in the middle or at two thirds of their height."""
_ABDOMEN = 0.15
"""Weight of the brightness in ``uprightness``; fitted to 1,739 X-rays of the train split."""
_TIE = 0.005
"""Below this size, ``uprightness`` decides nothing; about 1 in 200 of these X-rays lies there."""
_EDGE, _MIDDLE = slice(SIDE - SIDE * 15 // 100, SIDE), slice(SIDE * 9 // 25, SIDE * 16 // 25)


def quarters_to_upright(radiograph: Radiograph) -> int | None:
    """Return the left quarter turns after which the X-ray is upright; None if none helps."""
    if find_lungs(radiograph).found:
        return 2 if uprightness(radiograph) < -_TIE else 0
    turned = turned_radiograph(radiograph, 1)
    if uprightness(turned) <= 0:
        turned = turned_radiograph(radiograph, 3)
    if find_lungs(turned).sure:
        return (turned.rotated - radiograph.rotated) % 4
    return 2 if find_lungs(turned_radiograph(radiograph, 2)).sure else None


def uprightness(radiograph: Radiograph) -> float:
    """Return a score above 0 for an upright X-ray, and minus that for one upside down.

    The finder finds lungs upside down, too, but with less confidence; and the abdomen is brighter
    than the neck. Of 3,233 upright X-rays of the public set, one is below -0.005, none of the 624
    of test.
    """
    return radiograph.once("uprightness", lambda: _uprightness(radiograph))


def _uprightness(radiograph: Radiograph) -> float:
    radiograph = normal_polarity(radiograph)
    image = finder_input(radiograph)
    around = image[::-1, ::-1]
    upside_down = replace(radiograph, pixels=around.astype(np.float32) / np.float32(255))
    surer = find_lungs(radiograph).confidence - find_lungs(upside_down).confidence
    below, above = (float(each[_EDGE, _MIDDLE].mean()) for each in (image, around))
    return surer + _ABDOMEN * (below - above) / 255


def lung_warnings(radiograph: Radiograph, trained_with: str = "") -> tuple[str, ...]:
    """Return warnings about the framing, one sentence each.

    ``trained_with``: version of the lung finder used for training, if known.
    """
    lungs = find_lungs(radiograph)
    told = (
        (not lungs.found, _WHOLE),
        (lungs.found and not lungs.sure, _UNSURE),
        (_are_short(lungs, radiograph), _SHORT),
        (_are_cut(lungs), _CUT),
        (abs(uprightness(radiograph)) <= _TIE, _EITHER_WAY),
        (trained_with not in ("", lung_finder().identity), _OTHER_FINDER),
    )
    return tuple(sentence for applies, sentence in told if applies)


def _are_short(lungs: Lungs, radiograph: Radiograph) -> bool:
    """Of shares, so that a squashed X-ray is no exception, and of pixels, for tall X-rays."""
    height, width = radiograph.pixels.shape
    box = lungs.box
    return box is not None and box.height * max(1, height / width) < _SHORTEST * box.width


def _are_cut(lungs: Lungs) -> bool:
    return lungs.box is not None and float(lungs.mask[-1].mean()) > _CUT_FROM * lungs.box.width
