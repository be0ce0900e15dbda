"""Letters for people's words: DejaVu Sans, which comes with matplotlib, which captum needs.

Free to embed (Bitstream Vera licence). It has Latin, Greek, Cyrillic, Hebrew, Arabic, Armenian and
Georgian letters. It is found without importing matplotlib, which would make folders for itself.
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
    """The TrueType file of a DejaVu font. Raises PneumoError where it is not installed."""
    spec = importlib.util.find_spec("matplotlib")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, _FOLDER, f"{name}.ttf")
        if path.is_file():
            return path
    raise PneumoError(
        f"The font {name}, which comes with matplotlib, is not here. Install Pneumo's "
        "requirements again: pip install -r requirements.txt."
    )


def covers(letter: str) -> bool:
    """Whether the font has a picture for this letter."""
    return ord(letter) in _font().face.charToGlyph


def register() -> None:
    """Make the font known to reportlab. Doing it again changes nothing."""
    from reportlab.pdfbase import pdfmetrics

    pdfmetrics.registerFont(_font())


@cache
def _font() -> Any:
    from reportlab.pdfbase.ttfonts import TTFont  # half a second: only when a PDF is made

    return TTFont(WORDS, str(font_file()))
