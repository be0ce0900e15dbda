"""The Image Pixel module of a DICOM file (PS3.3 C.7.6.3): honoured, repaired or refused."""

import re
from dataclasses import dataclass

from pneumo_core.imaging.formats.dicom_elements import Elements, name_of, refusal_of
from pneumo_core.imaging.refusal import EXPORT_AGAIN, Refusal

__all__ = ["ImagePixel", "image_pixel", "warn_of_rest"]

_GREY = ("MONOCHROME1", "MONOCHROME2")
_COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
_ALLOCATED = (1, 8, 16, 32, 64)
_FEW = 8
"""Most rows or columns that a wrong header gives too many; more means a truncated file."""
_FLOATS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}


@dataclass(frozen=True)
class ImagePixel:
    """How the pixels are stored in a file.

    Attributes:
        keyword: the element that holds them.
        native: whether they are uncompressed.
        photometric: one of the Photometric Interpretations that Pneumo shows.
        allocated, stored, high: Bits Allocated, Bits Stored and High Bit.
        signed: Pixel Representation; None if the file does not state it.
    """

    keyword: str
    native: bool
    rows: int
    columns: int
    samples: int
    photometric: str
    planar: int
    allocated: int
    stored: int
    high: int
    signed: bool | None

    @property
    def is_float(self) -> bool:
        """Whether the pixels are floating point numbers."""
        return self.keyword in _FLOATS

    @property
    def bytes(self) -> int:
        """Bytes of the pixels, uncompressed and without padding."""
        values = self.rows * self.columns * self.samples
        if self.photometric == "YBR_FULL_422" and self.native:
            values = values // 3 * 2
        return -(-values * self.allocated // 8)


def image_pixel(elements: Elements, keyword: str, held: int | None) -> ImagePixel:
    """Return the module, repaired where possible; repairs become warnings of the elements.

    Args:
        elements: the file's elements.
        keyword: the element that holds the pixels.
        held: its bytes; None if they are compressed.

    Raises:
        Refusal: a value is impossible, or contradicts another one.
    """
    rows, columns = elements.integer("Rows") or 0, elements.integer("Columns") or 0
    samples, photometric = _colour_model(elements)
    values = rows * columns * samples
    allocated = _FLOATS.get(keyword) or _allocated(elements, values, held)
    stored = allocated if keyword in _FLOATS else _stored(elements, allocated)
    image = ImagePixel(
        keyword=keyword,
        native=held is not None,
        rows=rows,
        columns=columns,
        samples=samples,
        photometric=photometric,
        planar=_planar(elements, samples),
        allocated=allocated,
        stored=stored,
        high=stored - 1 if keyword in _FLOATS else _high(elements, allocated, stored),
        signed=_signed(elements, samples),
    )
    _compare_length(elements, image, held)
    return image


def _colour_model(elements: Elements) -> tuple[int, str]:
    """Return Samples per Pixel, and Photometric Interpretation as the standard spells it."""
    told = _photometric(elements)
    samples = elements.integer("SamplesPerPixel") or 0
    if not samples:
        samples = 3 if told in _COLOURS else 1
        _assumed(elements, "SamplesPerPixel", str(samples))
    if samples not in (1, 3):
        raise refusal_of("SamplesPerPixel", f"is {samples}; an X-ray has 1 or 3")
    if told is None:
        told = "MONOCHROME2" if samples == 1 else "RGB"
        _assumed(elements, "PhotometricInterpretation", told)
    if (samples == 3) != (told in _COLOURS):
        raise refusal_of(
            "PhotometricInterpretation", f"is {told}, but Samples per Pixel is {samples}"
        )
    return samples, told


def _photometric(elements: Elements) -> str | None:
    told = elements.text("PhotometricInterpretation")
    if told is None:
        return None
    squeezed = re.sub(r"[\s_-]+", "_", told.upper())
    plain = squeezed.replace("MONOCHROME_", "MONOCHROME").replace("PALETTE_COLOR", "PALETTE COLOR")
    if plain == "MONOCHROME":
        elements.warn(
            f"{name_of('PhotometricInterpretation')} is '{told}' without a number; "
            "MONOCHROME2 was assumed."
        )
        return "MONOCHROME2"
    if plain not in (*_GREY, *_COLOURS, "PALETTE COLOR"):
        raise refusal_of("PhotometricInterpretation", f"is '{told[:20]}', which Pneumo cannot show")
    return plain


def _planar(elements: Elements, samples: int) -> int:
    if samples == 1:
        return 0
    planar = elements.integer("PlanarConfiguration")
    if planar is None:
        _assumed(elements, "PlanarConfiguration", "0")
    if planar not in (None, 0, 1):
        raise refusal_of("PlanarConfiguration", f"is {planar}; it is 0 or 1")
    return planar or 0


def _allocated(elements: Elements, values: int, held: int | None) -> int:
    """Return Bits Allocated; if missing or inconsistent, by the length of the pixels.

    ``values``: number of values, in ``held`` bytes.
    """
    told = elements.integer("BitsAllocated") or 0
    stored = elements.integer("BitsStored") or 0
    fits = {bits for bits in (8, 16, 32) if held in (each := values * bits // 8, each + each % 2)}
    fitting = next((bits for bits in sorted(fits) if bits >= stored), None)
    if told and told not in _ALLOCATED:
        raise refusal_of("BitsAllocated", f"is {told}, which Pneumo cannot read")
    if told in fits or (told >= max(stored, 1) and (fitting is None or fitting >= told)):
        return told
    likely = fitting or (8 if 0 < stored <= 8 else 16 if stored <= 16 else 32)
    if told and held is not None and fitting is None:
        raise refusal_of("BitsAllocated", f"is {told}, less than the {stored} of Bits Stored")
    if told:
        elements.warn(
            f"{name_of('BitsAllocated')} is {told}, which contradicts the file's other elements; "
            f"{likely} was used."
        )
    else:
        _assumed(elements, "BitsAllocated", str(likely))
    return likely


def _stored(elements: Elements, allocated: int) -> int:
    told = elements.integer("BitsStored")
    high = elements.integer("HighBit")
    if told and 1 <= told <= allocated:
        return told
    likely = high + 1 if not told and high is not None and 7 <= high < allocated else allocated
    if allocated == 1 or told is None:
        _assumed(elements, "BitsStored", str(likely))
    else:
        elements.warn(
            f"{name_of('BitsStored')} is {told}, which {allocated} Bits Allocated cannot hold; "
            f"{likely} was used."
        )
    return likely


def _high(elements: Elements, allocated: int, stored: int) -> int:
    high = elements.integer("HighBit")
    if high is None:  # follows from Bits Stored
        return stored - 1
    if stored - 1 <= high < allocated:
        return high
    elements.warn(
        f"{name_of('HighBit')} is {high}, which contradicts {stored} Bits Stored; "
        f"{stored - 1} was used."
    )
    return stored - 1


def _signed(elements: Elements, samples: int) -> bool | None:
    told = elements.integer("PixelRepresentation")
    if told not in (None, 0, 1):
        raise refusal_of("PixelRepresentation", f"is {told}; it is 0 or 1")
    if told == 1 and samples == 3:
        elements.warn(
            f"{name_of('PixelRepresentation')} says that colours are signed, which they never are; "
            "they were read as unsigned."
        )
        return False
    return None if told is None else bool(told)


def _compare_length(elements: Elements, image: ImagePixel, held: int | None) -> None:
    """Refuse pixels that are cut off, or twice as many bytes as expected."""
    if held is None:
        return
    expected = image.bytes
    if held < expected:
        _refuse_long_sides(image, expected - held)
        raise Refusal(
            f"it is truncated: {held:,} of its {expected:,} bytes of pixels are present",
            EXPORT_AGAIN,
        )
    if (
        image.allocated == 8
        and image.samples == 1
        and held in range(2 * expected, 2 * expected + 3)
    ):
        raise refusal_of("BitsAllocated", "is 8, but there are bytes for 16")


def warn_of_rest(elements: Elements, image: ImagePixel, held: int) -> None:
    """Warn about bytes after the end of an uncompressed picture."""
    more = held - image.bytes
    if more > 2:
        elements.warn(
            f"The file has {held:,} bytes of pixels, {more:,} more than its picture has; the "
            "rest was ignored."
        )


def _refuse_long_sides(image: ImagePixel, missing: int) -> None:
    """Refuse Rows or Columns that are a few more than the pixels stored."""
    for keyword, told in (("Columns", image.columns), ("Rows", image.rows)):
        fewer, left = divmod(missing, image.bytes // told)
        if 0 < fewer <= _FEW and left == 0:
            raise refusal_of(keyword, f"is {told}, but the file has pixels for {told - fewer}")


def _assumed(elements: Elements, keyword: str, value: str) -> None:
    elements.warn(f"The file does not give its {name_of(keyword)}; {value} was assumed.")
