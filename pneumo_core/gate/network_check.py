"""Out-of-distribution check on the network's features, after the rules."""

from dataclasses import dataclass

import numpy as np

from pneumo_core.gate.lung_check import INVERTED, TURNED
from pneumo_core.gate.ood import Familiarity, Likeness
from pneumo_core.imaging import Radiograph
from pneumo_core.imaging.orientation import inverted_radiograph, turned_radiograph
from pneumo_core.inference import Outputs, Runtime

__all__ = ["Look", "look"]

_NO_CHEST = "It does not look like a frontal chest X-ray. Upload one."
_PIECE_OR_OTHER = (
    "It does not look like a frontal chest X-ray, or shows a part of one. Upload a whole one."
)
_REASONS = {
    "part": "It looks cropped or nearly empty: too little of a chest can be seen. "
    "Upload the whole X-ray.",
    "small": "It does not look like one whole chest X-ray: it fills too little of the image, or "
    "shares it with something else. Crop the image to one X-ray.",
    "limb": "It looks like a limb or another body part. Upload a frontal chest X-ray.",
    "picture": "It does not look like a radiograph of a chest. Upload a frontal chest X-ray.",
}
_TURNS = {"on its side": (1, 3), "upside down": (2,)}
"""Quarter turns to the left that may help, by kind of refused image."""
_UNUSUAL = "This X-ray looks unlike the training X-rays, so the result is less reliable."


@dataclass(frozen=True, eq=False)
class Look:
    """The network's output for one X-ray, and the check's result.

    ``outputs`` belong to the X-ray as it should be read: inverted if ``inverted``. ``reason``: why
    it must not be read, or empty; ``quarters``: turns by 90° to the left that would help.
    """

    outputs: Outputs
    likeness: Likeness
    inverted: bool = False
    reason: str = ""
    quarters: int = 0

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the result, one sentence each."""
        told = ((self.inverted, INVERTED), (self.likeness.unusual, _UNUSUAL))
        return tuple(sentence for applies, sentence in told if applies)


def look(runtime: Runtime, familiarity: Familiarity, radiograph: Radiograph) -> Look:
    """Check whether an X-ray resembles the training X-rays, and run the network.

    Costs the forward pass that a reading needs anyway. Only unfamiliar images are tried again, with
    black and white swapped or rotated, to confirm that this was the cause.
    """
    outputs, likeness = _seen(runtime, familiarity, radiograph)
    if likeness.familiar:
        return Look(outputs, likeness)
    if likeness.kind == "inverted":
        corrected, known = _seen(runtime, familiarity, inverted_radiograph(radiograph))
        if known.familiar:
            return Look(corrected, known, inverted=True)
    reason, quarters = _reason(runtime, familiarity, radiograph, likeness)
    return Look(outputs, likeness, reason=reason, quarters=quarters)


def _reason(
    runtime: Runtime, familiarity: Familiarity, radiograph: Radiograph, likeness: Likeness
) -> tuple[str, int]:
    """Return a specific reason if it is certain, and the quarter turns to the left that help.

    Rotated, if rotating helps; cropped, if it is close.
    """
    if likeness.kind == "part" and likeness.distance > 1:
        return _PIECE_OR_OTHER, 0
    for quarters in _TURNS.get(likeness.kind, ()):
        turned = turned_radiograph(radiograph, quarters)
        if _seen(runtime, familiarity, turned)[1].familiar:
            return TURNED[quarters], quarters
    turned_in_vain = likeness.kind in _TURNS
    return (_NO_CHEST if turned_in_vain else _REASONS.get(likeness.kind, _NO_CHEST)), 0


def _seen(
    runtime: Runtime, familiarity: Familiarity, radiograph: Radiograph
) -> tuple[Outputs, Likeness]:
    films = runtime.input(radiograph)[np.newaxis]
    outputs = runtime.run(films, cells=True)
    return outputs, familiarity.likeness(outputs.cells, films)[0]
