"""Display pipeline of a DICOM file (PS3.3 C.11): one step per function."""

import math
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from pneumo_core.imaging.formats.dicom_elements import Elements, name_of, refusal_of
from pneumo_core.imaging.formats.dicom_image_pixel import ImagePixel
from pneumo_core.imaging.formats.dicom_luts import BadTable, LookupTable, lookup_table, white_of
from pneumo_core.imaging.formats.dicom_stored_values import Cells
from pneumo_core.imaging.grey_values import Curve, Values, range_curve, window_curve
from pneumo_core.imaging.radiograph import Window, WindowFunction
from pneumo_core.imaging.refusal import EXPORT_AGAIN, Refusal
from pneumo_core.imaging.windowing import window_over

__all__ = ["FULL_RANGE", "Look", "film_windows", "is_inverted", "look_of", "modality_curve"]

FULL_RANGE = "Full range of the file"
"""Name of the window used instead of the file's own."""

_FUNCTIONS: dict[str, WindowFunction] = {
    "LINEAR": "linear",
    "LINEAR_EXACT": "linear_exact",
    "SIGMOID": "sigmoid",
}
_BLANK = 0.02
"""Standard deviation of grey below which a picture is nearly blank, as in the image check."""
_SHADES = 0.005
"""Least share of pixels between black and white; a window of width 1 leaves none."""
_NEAR_END = 0.01
_BYTE = 255.0
_LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class Look:
    """The curve from stored values to grey, and the windows to offer, the one in use first."""

    curve: Curve
    windows: tuple[Window, ...]


@dataclass(frozen=True, eq=False)
class _Spread:
    """Values that occur in a picture, and how often each does."""

    values: Values
    counts: Values

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest value; (0, 0) if there are none."""
        if not self.values.size:
            return 0.0, 0.0
        return float(self.values.min()), float(self.values.max())

    def through(self, curve: Curve) -> "_Spread":
        """Return the values after a curve."""
        return _Spread(curve(self.values), self.counts)

    @property
    def is_blank(self) -> bool:
        """Whether the grey values are nearly all the same."""
        total = self.counts.sum()
        if not total:
            return True
        mean = (self.values * self.counts).sum() / total
        variance = (np.square(self.values - mean) * self.counts).sum() / total
        return bool(variance < _BLANK**2)

    @property
    def is_image(self) -> bool:
        """Whether the grey values are not blank and have shades between black and white."""
        between = (self.values > _NEAR_END) & (self.values < 1 - _NEAR_END)
        return not self.is_blank and self.counts[between].sum() >= _SHADES * self.counts.sum()


def look_of(elements: Elements, image: ImagePixel, cells: Cells) -> Look:
    """Return the file's display pipeline, bright = dense; failed steps become warnings.

    Raises Refusal for a modality transformation that is not numeric.
    """
    modality = modality_curve(elements, cells)
    spread = _Spread(*cells.spread()).through(modality)
    windows = film_windows(elements)
    full = _full_curve(elements, cells, spread)
    voi, used = _voi(elements, spread, windows, full)
    presentation = _presentation(elements, spread.through(voi))
    inverted = is_inverted(elements, image)

    def curve(values: Values) -> Values:
        grey = presentation(voi(modality(values)))
        return 1 - grey if inverted else grey

    return Look(curve, windows if used else (_full(spread, FULL_RANGE), *windows))


# Modality LUT (C.11.1).


def modality_curve(elements: Elements, cells: Cells) -> Curve:
    """Return the curve from stored values to the values that windows refer to. Raises Refusal."""
    spread = _Spread(*cells.spread())
    curve = _modality_table(elements, spread) or _rescale(elements)
    lowest, highest = spread.through(curve).ends
    if not (math.isfinite(lowest) and math.isfinite(highest)) or max(-lowest, highest) > _LARGEST:
        raise Refusal("some of its values are not numbers", EXPORT_AGAIN)
    if lowest == highest and len(set(spread.ends)) > 1:
        elements.warn(
            "The file's modality transformation makes all values the same; it was ignored."
        )
        return _same
    return curve


def _same(values: Values) -> Values:
    return values


def _modality_table(elements: Elements, spread: _Spread) -> Curve | None:
    items = elements.items("ModalityLUTSequence")
    if not items:
        return None
    try:
        return lookup_table(items[0], spread.ends)
    except BadTable as error:
        raise refusal_of("ModalityLUTSequence", str(error)) from error


def _rescale(elements: Elements) -> Curve:
    slope, intercept = elements.number("RescaleSlope"), elements.number("RescaleIntercept")
    if slope == 0:
        elements.warn(f"{name_of('RescaleSlope')} is 0, which no X-ray has; 1 was used.")
        slope = 1.0
    if (slope is None) != (intercept is None):
        keyword, value = ("RescaleSlope", "1") if slope is None else ("RescaleIntercept", "0")
        elements.warn(f"The file does not give its {name_of(keyword)}; {value} was assumed.")
    factor, shift = 1.0 if slope is None else slope, intercept or 0.0
    if factor == 1 and shift == 0:
        return _same
    return lambda values: values * factor + shift


# VOI LUT (C.11.2).


def film_windows(elements: Elements) -> tuple[Window, ...]:
    """Return the file's window presets that have finite numbers."""
    keywords = ("WindowCenter", "WindowWidth")
    try:
        centers, widths = (elements.numbers(keyword) for keyword in keywords)
        whole = True
    except ValueError as error:
        elements.warn(f"The file's window holds '{error}', not a number; it was ignored.")
        centers, widths = (elements.numbers(keyword, strict=False) for keyword in keywords)
        whole = False
    if whole and bool(centers) != bool(widths):
        missing = "WindowWidth" if centers else "WindowCenter"
        elements.warn(f"The file's window has no {name_of(missing)}; it was ignored.")
    pairs = list(zip(centers, widths, strict=False))
    names = (elements.text("WindowCenterWidthExplanation") or "").split("\\")[: len(pairs)]
    function = _function(elements) if pairs else "linear"
    return tuple(
        Window(center, width, (name or "").strip() or f"Window {number}", function)
        for number, ((center, width), name) in enumerate(zip_longest(pairs, names), 1)
        if center is not None and width is not None
    )


def _function(elements: Elements) -> WindowFunction:
    told = (elements.text("VOILUTFunction") or "LINEAR").upper().replace(" ", "_")
    if told not in _FUNCTIONS:
        elements.warn(f"{name_of('VOILUTFunction')} is '{told[:20]}'; LINEAR was used.")
    return _FUNCTIONS.get(told, "linear")


def _full_curve(elements: Elements, cells: Cells, spread: _Spread) -> Curve:
    """Return the curve for a file without a table or window: its full range of values.

    For untransformed 8-bit values it is 0 to 255, as in a PNG of the same picture, unless that
    would be nearly blank.
    """
    bits = cells.bits
    is_byte = bits is not None and bits.stored == 8 and not bits.signed
    if is_byte and not elements.items("ModalityLUTSequence") and _rescale(elements) is _same:
        bytes_ = range_curve(0, _BYTE)
        if not spread.through(bytes_).is_blank:
            return bytes_
    return range_curve(*spread.ends)


def _voi(
    elements: Elements, spread: _Spread, windows: tuple[Window, ...], full: Curve
) -> tuple[Curve, bool]:
    """Return the curve of the table, the window, or ``full``, and whether it is the file's.

    A table or window that leaves the picture nearly blank is ignored if the full range does not.
    """
    bare = spread.through(full)
    told = [("lookup table", "VOILUTSequence", _voi_table(elements, spread))]
    told += [("window", "WindowWidth", window_curve(each)) for each in windows[:1]]
    if not windows and not elements.items("VOILUTSequence"):
        return full, True
    for what, keyword, curve in told:
        if curve is not None and _shows(spread.through(curve), bare, shaded=what == "window"):
            return curve, True
        if curve is not None or what == "window":
            elements.warn(_shows_nothing(what, keyword))
    elements.warn("The X-ray is shown over its full range of values.")
    return full, False


def _shows(seen: _Spread, bare: _Spread, *, shaded: bool) -> bool:
    """Return whether ``seen`` is not blank, or ``bare``, the full range, is blank as well.

    ``shaded``: it must also have shades between black and white; a table may lack them on purpose.
    """
    if shaded:
        return seen.is_image or not bare.is_image
    return not seen.is_blank or bare.is_blank


def _voi_table(elements: Elements, spread: _Spread) -> Curve | None:
    items = elements.items("VOILUTSequence")
    if not items:
        return None
    try:
        return _scaled(elements, lookup_table(items[0], spread.ends))
    except BadTable as error:
        elements.warn(f"The file's {name_of('VOILUTSequence')} {error}; it was ignored.")
        return None


def _scaled(elements: Elements, table: LookupTable) -> Curve:
    white = white_of(elements, table)
    return lambda values: np.minimum(table(values) / white, 1)


def _shows_nothing(what: str, keyword: str) -> str:
    return f"The file's {what} ({name_of(keyword)}) leaves this X-ray nearly blank and was ignored."


def _full(spread: _Spread, name: str) -> Window:
    return window_over(*spread.ends, name)


# Presentation LUT (C.11.4 and C.11.6).


def is_inverted(elements: Elements, image: ImagePixel) -> bool:
    """Return whether low values are bright, by MONOCHROME1 or INVERSE; DX has both (C.8.11.3)."""
    told = elements.text("PresentationLUTShape")
    shape = (told or "").upper()
    if shape not in ("", "IDENTITY", "INVERSE"):
        elements.warn(f"{name_of('PresentationLUTShape')} is '{told}'; IDENTITY was used.")
    if shape == "INVERSE" and image.photometric == "MONOCHROME2":
        elements.warn(
            f"{name_of('PresentationLUTShape')} is INVERSE and "
            f"{name_of('PhotometricInterpretation')} MONOCHROME2, which contradict each other; the "
            "X-ray was inverted."
        )
    return shape == "INVERSE" or image.photometric == "MONOCHROME1"


def _presentation(elements: Elements, grey: _Spread) -> Curve:
    """Return the curve of the presentation table, in [0, 1]; identity if there is none."""
    items = elements.items("PresentationLUTSequence")
    if not items:
        return _same
    try:
        table = lookup_table(items[0], (0, 0))
    except BadTable as error:
        elements.warn(f"The file's {name_of('PresentationLUTSequence')} {error}; it was ignored.")
        return _same
    last, scaled = len(table.entries) - 1, _scaled(elements, table)

    def curve(values: Values) -> Values:
        return scaled(values * last + table.first)

    if grey.through(curve).is_blank and not grey.is_blank:
        elements.warn(_shows_nothing("presentation table", "PresentationLUTSequence"))
        return _same
    return curve
