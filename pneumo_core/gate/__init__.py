"""The image check: whether an image may be read as a frontal chest X-ray."""

from pneumo_core.gate.fit import MIN_FILMS, fit_familiarity, fit_gate
from pneumo_core.gate.ood import KINDS, Familiarity, Likeness, Verdicts, open_familiarity
from pneumo_core.gate.rules import refusals, warnings_of
from pneumo_core.gate.synthetic_outliers import drawn

__all__ = [
    "KINDS",
    "MIN_FILMS",
    "Familiarity",
    "Likeness",
    "Verdicts",
    "drawn",
    "fit_familiarity",
    "fit_gate",
    "open_familiarity",
    "refusals",
    "warnings_of",
]
