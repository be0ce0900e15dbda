"""A film on its side, and an image check that knows one: wider than tall."""

from dataclasses import replace

import numpy as np
import pytest

from pneumo_core.gate.lung_check import TURNED
from pneumo_core.imaging import Radiograph
from pneumo_core.reading import Reader, Reading

__all__ = ["LYING", "know_lying_films"]

LYING = np.tile(np.linspace(0, 255, 160, dtype=np.uint8), (128, 1))
"""uint8 (128, 160): upright once turned to the left, dark below."""


def know_lying_films(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let readers refuse films that are wider than tall as lying on their side."""
    checked = Reader._checked

    def check(reader: Reader, radiograph: Radiograph) -> Reading:
        if radiograph.facts.width <= radiograph.facts.height:
            return checked(reader, radiograph)
        refused = reader._reading(radiograph.name, "refused", reasons=(TURNED[1],))
        return replace(refused, quarters_to_upright=1)

    monkeypatch.setattr(Reader, "_checked", check)
