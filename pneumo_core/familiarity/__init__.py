"""How familiar a picture is to a checkpoint: the part of the gate that sees as its network does."""

from pneumo_core.familiarity.decoys import drawn
from pneumo_core.familiarity.fit import MIN_FILMS, fit_familiarity, fit_gate
from pneumo_core.familiarity.model import KINDS, Familiarity, Likeness, Verdicts, open_familiarity

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
]
