"""How a DICOM file wants its stored values to be seen (PS3.3 C.11): one step per function."""

import math
from itertools import zip_longest
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from pneumo_core.data._tones import Grey, divided, full_range, looked_up, stretch, windowed
from pneumo_core.data.radiograph import Window, WindowFunction

_FUNCTIONS: dict[str, WindowFunction] = {
    "LINEAR": "linear",
    "LINEAR_EXACT": "linear_exact",
    "SIGMOID": "sigmoid",
}


def shown(ds: Dataset, stored: npt.NDArray[Any]) -> Grey:
    """Grey float32 (H, W), bright = dense, of stored values (H, W)."""
    values = modality_values(ds, stored)
    grey = _through_voi(ds, values, spent=values is not stored)
    return np.subtract(1, grey, out=grey) if is_inverted(ds) else grey


def modality_values(ds: Dataset, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Stored values after the modality table or rescale, the values that windows speak of."""
    if ds.get("ModalityLUTSequence"):
        table, first, _ = _table(ds.ModalityLUTSequence[0])
        return looked_up(stored, table, first)
    slope, intercept = ds.get("RescaleSlope"), ds.get("RescaleIntercept")
    if slope is None or intercept is None or (slope == 1 and intercept == 0):
        return stored
    values: Grey = np.multiply(stored, np.float32(slope), dtype=np.float32)
    values += np.float32(intercept)
    return values


def film_windows(ds: Dataset) -> tuple[Window, ...]:
    """The window presets of the file, those with finite numbers."""
    named = str(ds.get("VOILUTFunction") or "LINEAR").strip().upper()
    function = _FUNCTIONS.get(named, "linear")
    pairs = list(zip(_numbers(ds, "WindowCenter"), _numbers(ds, "WindowWidth"), strict=False))
    names = _list(ds.get("WindowCenterWidthExplanation"))[: len(pairs)]
    return tuple(
        Window(center, width, str(name or f"Window {number}"), function)
        for number, ((center, width), name) in enumerate(zip_longest(pairs, names), 1)
        if math.isfinite(center) and math.isfinite(width)
    )


def _through_voi(ds: Dataset, values: npt.NDArray[Any], *, spent: bool) -> Grey:
    """Grey of values, through the table, the first window, or neither.

    ``spent``: the values are float32 and of no use afterwards, so grey may take their place.
    """
    if ds.get("VOILUTSequence"):
        table, first, bits = _table(ds.VOILUTSequence[0])
        full = max(float((1 << bits) - 1), float(table.max()))
        return looked_up(values, divided(table, full), first)
    windows = film_windows(ds)
    grey = windowed(values, windows[0], out=values if spent else None) if windows else None
    if grey is not None:
        return grey
    if not spent:
        return full_range(values)
    stretch(values)
    return values


def is_inverted(ds: Dataset) -> bool:
    """MONOCHROME1 and the shape INVERSE say the same thing; DX films carry both (C.8.11.3)."""
    inverse = str(ds.get("PresentationLUTShape") or "").strip().upper() == "INVERSE"
    return inverse or ds.PhotometricInterpretation == "MONOCHROME1"


def _table(item: Dataset) -> tuple[Grey, int, int]:
    """(entries as float32, value that the first entry stands for, bits an entry)."""
    count, first, bits = (int(number) for number in item.LUTDescriptor)
    data = item["LUTData"].value
    if isinstance(data, bytes):
        order = "<" if item.original_encoding[1] is not False else ">"
        packed = bits <= 8 and len(data) < 2 * (count or 65536)
        entries = np.frombuffer(data, dtype=np.uint8 if packed else f"{order}u2")
    else:
        entries = np.asarray(_list(data))
    return entries[: count or 65536].astype(np.float32), first, bits


def _numbers(ds: Dataset, keyword: str) -> list[float]:
    try:
        return [float(number) for number in _list(ds.get(keyword))]
    except (TypeError, ValueError):  # text where numbers belong: no window
        return []


def _list(value: Any) -> list[Any]:
    """The values of an element that holds none, one or several."""
    if value is None:
        return []
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        return [value]
    return list(value)
