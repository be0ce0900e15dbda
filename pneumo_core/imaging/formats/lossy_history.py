"""History of a picture's lossy compression, from DICOM and other files."""

import math
from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from PIL import Image

from pneumo_core.imaging.radiograph import LossyStep

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

LOSSY_KEYWORDS = (
    "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod",
)
JPEG, WEBP = "ISO_10918_1", "WEBP"
_METHODS = (
    *(JPEG, "ISO_14495_1", "ISO_15444_1", "ISO_15444_15", "ISO_18181_1"),
    *("ISO_13818_2", "ISO_14496_10", "ISO_23008_2", WEBP),
)
"""Defined terms of PS3.3 C.7.6.1.1.5.1, and our own for WebP, which has none."""
_BY_SYNTAX = {
    "1.2.840.10008.1.2.4.50": JPEG,  # JPEG Baseline
    "1.2.840.10008.1.2.4.51": JPEG,  # JPEG Extended
    "1.2.840.10008.1.2.4.81": "ISO_14495_1",  # JPEG-LS near-lossless
    "1.2.840.10008.1.2.4.91": "ISO_15444_1",  # JPEG 2000
    "1.2.840.10008.1.2.4.203": "ISO_15444_15",  # High-Throughput JPEG 2000
}
_ALWAYS_LOSSY = (JPEG,)
"""The other lossy transfer syntaxes allow lossless compression, too."""
_HIGHEST_RATIO = 10_000
_TIFF_JPEG = ("jpeg", "tiff_jpeg")


def dicom_steps(ds: "Dataset", size: int, full: int) -> tuple[LossyStep, ...]:
    """Return the lossy compressions of a DICOM picture, the oldest first.

    The header's steps are completed by the file's own transfer syntax, whose ratio is that of
    ``full``, the bytes of its pixels, to ``size``, the bytes of the file. Methods and ratios that
    DICOM does not define are None.
    """
    told = str(ds.get("LossyImageCompression") or "").strip()
    steps = _told_steps(ds) if told == "01" else []
    own = _BY_SYNTAX.get(str(ds.file_meta.TransferSyntaxUID))
    if own and (told != "00" or own in _ALWAYS_LOSSY):
        known = bool(steps) and steps[-1].method in (None, own)
        last = steps.pop() if known else LossyStep()
        steps.append(LossyStep(own, last.ratio or _ratio(full / size)))
    return tuple(steps)


def _told_steps(ds: "Dataset") -> list[LossyStep]:
    """Return the steps that the header lists; one unknown step if it lists none."""
    methods = [str(each).strip() for each in _listed(ds, "LossyImageCompressionMethod")]
    ratios = [_ratio(each) for each in _listed(ds, "LossyImageCompressionRatio")]
    steps = [
        LossyStep(method if method in _METHODS else None, ratio)
        for method, ratio in zip_longest(methods, ratios)
    ]
    return steps or [LossyStep()]


def picture_steps(image: Image.Image, kind: str, data: bytes) -> tuple[LossyStep, ...]:
    """Return the lossy compression of a JPEG, a TIFF with JPEG inside, or a lossy WebP."""
    method = None
    if kind == "JPEG" or (kind == "TIFF" and image.info.get("compression") in _TIFF_JPEG):
        method = JPEG
    elif kind == "WebP" and _is_lossy_webp(data):
        method = WEBP
    if method is None:
        return ()
    full = image.width * image.height * len(image.getbands())
    return (LossyStep(method, _ratio(full / len(data))),)


def _is_lossy_webp(data: bytes) -> bool:
    """Return whether a chunk of a WebP file is a VP8 bitstream, which is always lossy."""
    place = 12
    while place + 8 <= len(data):
        if data[place : place + 4] == b"VP8 ":
            return True
        length = int.from_bytes(data[place + 4 : place + 8], "little")
        place += 8 + length + length % 2
    return False


def _listed(ds: "Dataset", keyword: str) -> Sequence[Any]:
    value = ds.get(keyword)
    if value is None or value == "":
        return ()
    single = isinstance(value, str) or not isinstance(value, Sequence)
    return (value,) if single else value


def _ratio(value: Any) -> float | None:
    """Return a ratio with two decimals; None if it is not one."""
    try:
        ratio = float(value)
    except (TypeError, ValueError):
        return None
    return round(ratio, 2) if math.isfinite(ratio) and 0.01 <= ratio < _HIGHEST_RATIO else None
