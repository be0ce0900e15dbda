"""Building blocks of a PDF page: text, boxes, bars, images."""

import html
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pictures
from reportlab import rl_config
from reportlab.lib.colors import HexColor, white
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.platypus import Flowable, Image, Paragraph, SimpleDocTemplate, Spacer, Table

from pneumo_core.checkpoints import OperatingPoint
from pneumo_core.imaging import colour_scale
from pneumo_core.metrics import format_rate
from pneumo_core.reading import band_text
from pneumo_core.reports import _fonts
from pneumo_core.reports.overlays import draw_overlay
from pneumo_core.reports.result import RESEARCH_USE, Overlay, Result, clean
from pneumo_core.reports.words import heat_warning, heat_words, scale_words

__all__ = [
    "BARE",
    "BLUE",
    "INK",
    "QUIET",
    "RULE",
    "SIDE",
    "STYLES",
    "WARNING",
    "WIDTH",
    "ProbabilityBar",
    "as_pdf",
    "caption_height",
    "pairs",
    "pictures",
    "safe",
    "text",
]

SIDE = 50.0
"""Margin left and right, points."""
WIDTH = A4[0] - 2 * SIDE
"""Between the margins, points."""
_CAPTION, _WARNING_LINE = 52.0, 16.0
"""Height of a caption, and of one line more for a warning, points."""

INK, QUIET, RULE = HexColor("#14212b"), HexColor("#5a6872"), HexColor("#c9d3da")
BLUE = HexColor("#0b5c8a")
rl_config.useA85 = 0  # ASCII85 takes longer than all the rest of a page, and a fifth more bytes
_TINT, _UNCERTAIN = HexColor("#e6edf2"), HexColor("#f2c98a")

_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=10, leading=14, textColor=INK)
STYLES = {
    "body": _BODY,
    "quiet": ParagraphStyle("quiet", _BODY, fontSize=8.5, leading=11, textColor=QUIET),
    "right": ParagraphStyle("right", _BODY, fontSize=8.5, leading=11, alignment=TA_RIGHT),
    "small": ParagraphStyle("small", _BODY, fontSize=8.2, leading=10.8, spaceAfter=4),
    "caption": ParagraphStyle("caption", _BODY, fontSize=8.5, leading=11),
    "title": ParagraphStyle("title", _BODY, fontName="Helvetica-Bold", textColor=BLUE),
    "verdict": ParagraphStyle(
        "verdict", _BODY, fontName="Helvetica-Bold", fontSize=22, leading=28, spaceAfter=5
    ),
}
BARE: list[Any] = [("VALIGN", (0, 0), (-1, -1), "TOP")] + [
    (f"{side}PADDING", (0, 0), (-1, -1), 0) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")
]
"""Lay out cells in a table without lines."""
WARNING: list[Any] = [
    ("BACKGROUND", (0, 0), (-1, -1), HexColor("#fff6e6")),
    ("LINEBEFORE", (0, 0), (0, -1), 2.5, HexColor("#b26a00")),
    ("LEFTPADDING", (0, 0), (-1, -1), 9),
    ("TOPPADDING", (0, 0), (-1, -1), 4),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
]
"""Return a tinted box."""

_JPEG_LONGEST = 1200
_GAP = 14.0


def as_pdf(title: str, story: list[Flowable], *, margin: float = inch) -> bytes:
    """Return a story on A4 pages as a PDF file; ``margin``: top and bottom, in points."""
    file = BytesIO()
    page = SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=SIDE,
        rightMargin=SIDE,
        topMargin=margin,
        bottomMargin=margin,
        title=title,
        subject=RESEARCH_USE,
        lang="en",
    )
    page.build(story)
    return file.getvalue()


def text(words: str, style: str = "body") -> Paragraph:
    """Return a paragraph of arbitrary text."""
    return Paragraph(safe(words), STYLES[style])


def safe(words: str) -> str:
    """Escape arbitrary text as reportlab markup, with a font for every character."""
    return "".join(_letter(letter) for letter in clean(words))


def _letter(letter: str) -> str:
    try:
        letter.encode("cp1252")
        return html.escape(letter)
    except UnicodeEncodeError:
        _fonts.register()
        shown = letter if _fonts.covers(letter) else "\u25a1"
        return f'<font name="{_fonts.WORDS}">{shown}</font>'


def pairs(title: str, rows: list[tuple[str, str]], width: float) -> Table:
    """Return a titled list of names and values."""
    told = [[text(what, "quiet"), text(value, "caption")] for what, value in rows]
    style = [
        *BARE,
        ("SPAN", (0, 0), (1, 0)),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ("TOPPADDING", (0, 1), (-1, -1), 2.5),
        ("LINEABOVE", (0, 1), (-1, -1), 0.4, RULE),
    ]
    return Table(
        [[text(title, "title"), ""], *told], colWidths=[0.4 * width, 0.6 * width], style=style
    )


class ProbabilityBar(Flowable):
    """A probability on a bar from 0 to 1, a mark at the operating point, the uncertain part shaded.

    ``band``: the uncertain probabilities.
    """

    def __init__(
        self, probability: float, point: OperatingPoint, band: tuple[float, float]
    ) -> None:
        super().__init__()
        self._probability = probability
        self._point = point
        self._band = band
        self.width, self.height = WIDTH, 30.0

    def draw(self) -> None:
        """Called by reportlab, which has moved the origin to the lower left corner."""
        canvas, low, high = self.canv, 11.0, 8.0
        canvas.setFillColor(_TINT)
        canvas.rect(0, low, self.width, high, stroke=0, fill=1)
        first, last = (self.width * end for end in self._band)
        canvas.setFillColor(_UNCERTAIN)
        canvas.rect(first, low - 3, last - first, high + 6, stroke=0, fill=1)
        canvas.setFillColor(BLUE)
        canvas.rect(0, low, self.width * self._probability, high, stroke=0, fill=1)
        mark = self.width * self._point.threshold
        canvas.setStrokeColor(white)
        canvas.setLineWidth(3.2)
        canvas.line(mark, low - 3, mark, low + high + 3)
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(1.4)
        canvas.line(mark, low - 3, mark, low + high + 3)
        canvas.setFillColor(QUIET)
        canvas.setFont("Helvetica", 7.5)
        canvas.drawString(0, 0, "0")
        canvas.drawRightString(self.width, 0, "1")
        self._name_the_mark(mark)

    def _name_the_mark(self, mark: float) -> None:
        at = format_rate(self._point.threshold)
        words = f"operating point {self._point.name}, {at}; uncertain {band_text(*self._band)}"
        half = self.canv.stringWidth(words, "Helvetica", 7.5) / 2
        self.canv.setFillColor(INK)
        self.canv.drawCentredString(min(max(mark, half + 14), self.width - half - 14), 0, words)


def caption_height(result: Result) -> float:
    """Return the height of the captions of ``pictures``, in points."""
    return _CAPTION + (_WARNING_LINE if heat_warning(result.overlay) else 0.0)


def pictures(result: Result, height: float) -> Table:
    """Return the X-ray next to its heat map and colour bar; the X-ray alone without a map.

    ``height`` in points, the captions not counted; less if the X-rays are too wide.
    """
    rows, columns = result.radiograph.pixels.shape
    count = 1 if result.overlay is None else 2
    column = (WIDTH - (count - 1) * _GAP) / count
    factor = min(column / columns, height / rows)
    size = (columns * factor, rows * factor)
    film = [_framed(draw_overlay(result, _JPEG_LONGEST, bare=True), size), *_caption("The X-ray")]
    if result.overlay is None:
        return _beside([film], [WIDTH])
    under = [
        _framed(draw_overlay(result, _JPEG_LONGEST), size),
        *_caption(heat_words(result.overlay)),
        _scale(result.overlay, size[0]),
    ]
    widths = [size[0], WIDTH - 2 * size[0], size[0]]
    return _beside([film, [], under], widths, below=heat_warning(result.overlay))


def _caption(words: str) -> list[Flowable]:
    return [Spacer(1, 4), text(words, "caption"), Spacer(1, 3)]


def _beside(cells: list[list[Flowable]], widths: list[float], below: str = "") -> Table:
    """Return cells side by side, and words below all of them."""
    rows: list[list[Any]] = [cells]
    style = [*BARE, ("BOTTOMPADDING", (0, 0), (-1, -1), 8)]
    if below:
        rows += [[Paragraph(f"<b>{safe(below)}</b>", STYLES["caption"]), *[""] * (len(cells) - 1)]]
        style += [("SPAN", (0, 1), (-1, 1)), ("BOTTOMPADDING", (0, 0), (-1, 0), 4)]
    return Table(rows, colWidths=widths, style=style)


def _scale(look: Overlay, width: float) -> Flowable:
    """Return the colour bar with its end labels, or the meaning of the contour lines."""
    if look.contour or not look.heat.found:
        return text(scale_words(look), "caption")
    bar = _picture(colour_scale(look.opacity, look.scale), (width, 7), kind="PNG")
    ends = [text("none", "caption"), text(scale_words(look), "right")]
    return Table(
        [[bar, ""], ends],
        colWidths=[0.25 * width, 0.75 * width],
        rowHeights=[9, 12],
        style=[*BARE, ("SPAN", (0, 0), (1, 0))],
    )


def _framed(pixels: NDArray[np.uint8], size: tuple[float, float]) -> Flowable:
    """Return an image in a thin frame, because an X-ray may be as white as the paper."""
    frame = [*BARE, ("BOX", (0, 0), (-1, -1), 0.5, RULE)]
    return Table([[_picture(pixels, size)]], [size[0]], [size[1]], style=frame, hAlign="LEFT")


def _picture(pixels: NDArray[np.uint8], size: tuple[float, float], kind: str = "JPEG") -> Image:
    """Return an image (H, W, 3) as a flowable of this size in points; a JPEG stays a JPEG."""
    file = BytesIO()
    Pictures.fromarray(pixels).save(file, format=kind, quality=88)
    file.seek(0)
    return Image(file, *size, hAlign="LEFT")
