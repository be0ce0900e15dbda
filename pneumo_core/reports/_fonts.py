"""Fonts for user text: DejaVu Sans, which is installed with matplotlib.

Free to embed (Bitstream Vera licence), with Latin, Greek, Cyrillic, Hebrew, Arabic, Armenian and
Georgian letters. It is located without importing matplotlib, which would create folders.
"""

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from pneumo_core.errors import PneumoError

__all__ = ["WORDS", "covers", "font_file", "register"]

WORDS = "DejaVuSans"
"""The font's name in a PDF."""

_FOLDER = "mpl-data/fonts/ttf"


def font_file(name: str = WORDS) -> Path:
    """Return the TrueType file of a DejaVu font. Raises PneumoError if it is not installed."""
    spec = importlib.util.find_spec("matplotlib")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, _FOLDER, f"{name}.ttf")
        if path.is_file():
            return path
    raise PneumoError(
        f"The font {name}, which comes with matplotlib, is missing. Install Pneumo's "
        "requirements again: pip install -r requirements.txt."
    )


def covers(letter: str) -> bool:
    """Return whether the font has a glyph for this character."""
    return ord(letter) in _font().face.charToGlyph


def register() -> None:
    """Register the font with reportlab; idempotent."""
    from reportlab.pdfbase import pdfmetrics

    pdfmetrics.registerFont(_font())


@cache
def _font() -> Any:
    from reportlab.pdfbase.ttfonts import TTFont  # slow import: only when a PDF is made

    return TTFont(WORDS, str(font_file()))
