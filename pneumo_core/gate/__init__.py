"""The image check: whether an image may be read as a frontal chest X-ray."""

from pneumo_core.gate.fit import MIN_IMAGES, fit_familiarity, fit_gate
from pneumo_core.gate.ood import KINDS, Familiarity, Likeness, Verdicts, open_familiarity
from pneumo_core.gate.rules import refusals, warnings_of
from pneumo_core.gate.synthetic_outliers import synthetic_images

__all__ = [
    "KINDS",
    "MIN_IMAGES",
    "Familiarity",
    "Likeness",
    "Verdicts",
    "fit_familiarity",
    "fit_gate",
    "open_familiarity",
    "refusals",
    "synthetic_images",
    "warnings_of",
]
