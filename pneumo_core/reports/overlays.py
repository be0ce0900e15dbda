"""Export the X-ray under its heat map as an image."""

import textwrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pneumo_core.imaging import Scale, colour_scale, contour_lines, display_pixels, overlay, png
from pneumo_core.reports._fonts import font_file
from pneumo_core.reports.result import RESEARCH_USE, Overlay, Result, refuse_named_image
from pneumo_core.reports.words import (
    checkpoint_words,
    heat_warning,
    heat_words,
    point_words,
    scale_words,
    verdict_words,
)

__all__ = ["LONGEST", "draw_overlay", "image_under_map", "to_png", "with_legend"]

LONGEST = 2560
"""Longest side of an exported image in pixels, as on a 5-megapixel monitor."""

Picture = NDArray[np.uint8]

_ROWS_AT_ONCE = 256
_NARROWEST = 720  # the legend's text needs this many columns
_INK = (225, 228, 231)
_WARNING = (255, 200, 90)
_DARK = (5, 8, 10)
_LEVELS = {0.5: 1.0, 0.75: 2.0}
"""Thickness of the line at each level."""
_LINES: dict[Scale, dict[float, tuple[int, int, int]]] = {
    "pneumonia": {0.5: (255, 217, 138), 0.75: (255, 176, 0)},
    "normal": {0.5: (178, 222, 236), 0.75: (86, 180, 233)},
    "response": {0.5: (190, 230, 170), 0.75: (110, 205, 88)},
}
"""Colours of the lines, as in the viewer."""
_GRID = 256  # the map is smooth, so a coarse grid is enough


def to_png(result: Result, *, legend: bool = False) -> bytes:
    """Return the X-ray under its heat map as an RGB PNG; the plain X-ray without a map.

    It has the X-ray's own size, so that it can be laid over the X-ray, up to ``LONGEST`` pixels on
    the longer side. ``legend`` adds a strip below with the colour bar and the model (and
    enlarges small X-rays to make room for it). The same words travel as text chunks inside.

    Raises PneumoError for a de-identified result of an X-ray that names its patient.
    """
    picture = image_under_map(result)
    return png(with_legend(picture, result) if legend else picture, text=_told(result))


def image_under_map(result: Result, longest: int = LONGEST) -> Picture:
    """Return ``draw_overlay``; raise PneumoError if a de-identified X-ray may name its patient."""
    refuse_named_image(result)
    return draw_overlay(result, longest)


def draw_overlay(result: Result, longest: int, *, bare: bool = False) -> Picture:
    """Draw the X-ray under its heat map, or ``bare``: uint8 (H, W, 3), RGB.

    No side is longer than ``longest`` pixels.
    """
    pixels = display_pixels(result.radiograph.pixels, longest)
    height, width = pixels.shape
    look = result.overlay
    if bare or look is None:
        return _grey(pixels)
    if look.contour:
        return _outlined(pixels, look)
    heat = look.over((height, width))
    # In bands, because blending the whole X-ray at once would need five float32 RGB copies.
    bands = [slice(row, row + _ROWS_AT_ONCE) for row in range(0, height, _ROWS_AT_ONCE)]
    return np.concatenate([overlay(pixels[b], heat[b], look.opacity, look.scale) for b in bands])


def _grey(pixels: NDArray[np.float32]) -> Picture:
    values = np.rint(pixels * np.float32(255)).astype(np.uint8)
    return np.repeat(values[..., np.newaxis], 3, axis=2)


def _outlined(pixels: NDArray[np.float32], look: Overlay) -> Picture:
    """Draw lines at half and three quarters of the strongest heat, as in the viewer."""
    height, width = pixels.shape
    film = Image.fromarray(_grey(pixels))
    draw = ImageDraw.Draw(film)
    unit = max(height, width) / 640
    lines = contour_lines(look.over((_GRID, _GRID)), tuple(_LEVELS))
    for level, thickness in _LEVELS.items():
        colour = _LINES[look.scale][level]
        for line in lines[level]:
            points = [(float(x), float(y)) for x, y in line * (width, height)]
            draw.line(points, _DARK, max(1, round((thickness + 1.5) * unit)), "curve")
            draw.line(points, colour, max(1, round(thickness * unit)), "curve")
    return np.asarray(film)


def with_legend(picture: Picture, result: Result) -> Picture:
    """Add a legend below an image (H, W, 3)."""
    film = Image.fromarray(picture)
    if film.width < _NARROWEST:
        height = round(film.height * _NARROWEST / film.width)
        film = film.resize((_NARROWEST, height), Image.Resampling.BICUBIC)
    strip = _legend(result, film.width)
    whole = Image.new("RGB", (film.width, film.height + strip.height))
    whole.paste(film)
    whole.paste(strip, (0, film.height))
    return np.asarray(whole)


def _legend(result: Result, width: int) -> Image.Image:
    """Return the legend: a black strip of four lines with the colour bar, RGB.

    A heat map mostly outside the lungs has a fifth line that says so.
    """
    lines = [verdict_words(result), point_words(result), checkpoint_words(result), RESEARCH_USE]
    margin = width // 48
    font = _fitting(lines, round(width * 0.6), round(width / 44))
    pitch = round(font.size * 1.4)
    warning = heat_warning(result.overlay)
    rows = len(lines) + bool(warning)
    strip = Image.new("RGB", (width, 2 * margin + rows * pitch))
    draw = ImageDraw.Draw(strip)
    for row, line in enumerate(lines):
        draw.text((margin, margin + row * pitch), line, fill=_INK, font=font)
    if warning:
        smaller = _fitting([warning], width - 2 * margin, round(font.size))
        below = margin + len(lines) * pitch
        draw.text((margin, below), warning, fill=_WARNING, font=smaller)
    if result.overlay is not None:
        _draw_scale(strip, result.overlay, (round(width * 0.66), margin, width - margin), pitch)
    return strip


def _draw_scale(strip: Image.Image, look: Overlay, box: tuple[int, int, int], pitch: int) -> None:
    """Draw the description of the heat map and its colours between two columns."""
    left, top, right = box
    draw = ImageDraw.Draw(strip)
    below = top + pitch
    scale = scale_words(look)
    if look.contour or not look.heat.found:
        lines = [heat_words(look), *textwrap.wrap(scale, 36)]
        font = _fitting(lines, right - left, round(pitch / 1.4))
        for row, line in enumerate(lines):
            draw.text((left, top + row * pitch), line, fill=_INK, font=font)
        return
    font = _fitting([heat_words(look), f"none  {scale}"], right - left, round(pitch / 1.4))
    draw.text((left, top), heat_words(look), fill=_INK, font=font)
    bar = Image.fromarray(colour_scale(look.opacity, look.scale))
    strip.paste(bar.resize((right - left, pitch)), (left, below + pitch // 8))
    below += round(pitch * 1.3)
    draw.text((left, below), "none", fill=_INK, font=font)
    draw.text((right, below), scale, fill=_INK, font=font, anchor="ra")


def _fitting(lines: list[str], width: int, size: int) -> ImageFont.FreeTypeFont:
    """Return the font at this size in pixels, smaller if the longest line needs it."""
    font = ImageFont.truetype(str(font_file()), size)
    longest = max(font.getlength(line) for line in lines)
    return font if longest <= width else font.font_variant(size=max(8, int(size * width / longest)))


def _told(result: Result) -> dict[str, str]:
    return {
        **(result.overlay.heat.png_text if result.overlay else {}),
        "Title": f"{heat_words(result.overlay)}: {result.film}",
        "Description": f"{verdict_words(result)}. {point_words(result)}.",
        "Software": checkpoint_words(result),
        "Creation Time": result.created.isoformat(),
        "Disclaimer": RESEARCH_USE,
    }
