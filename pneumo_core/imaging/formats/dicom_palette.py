"""Colours of a DICOM file that stores indices into a palette (PS3.3 C.7.9)."""

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut

from pneumo_core.imaging.formats.dicom_elements import Elements, name_of, refusal_of
from pneumo_core.imaging.formats.dicom_luts import BadTable, LookupTable, lookup_table, white_of
from pneumo_core.imaging.formats.dicom_stored_values import Cells
from pneumo_core.imaging.grey_values import Curve, Values
from pneumo_core.imaging.refusal import EXPORT_AGAIN, Refusal

__all__ = ["palette_curves"]

_CHANNELS = ("Red", "Green", "Blue")


def palette_curves(elements: Elements, ds: Dataset, cells: Cells) -> list[Curve]:
    """Return the curves from stored values to red, green and blue in [0, 1].

    Raises Refusal for a missing or damaged palette, and pydicom's errors for damaged segments.
    """
    if not cells.tabulated:
        raise refusal_of("BitsAllocated", "is too large for the indices of a palette")
    if elements.element("RedPaletteColorLookupTableData") is not None:
        tables = [_table(elements, channel, cells) for channel in _CHANNELS]
    elif elements.element("SegmentedRedPaletteColorLookupTableData") is not None:
        tables = _expanded(ds, cells)
    else:
        raise Refusal(
            f"its colours are missing: {name_of('RedPaletteColorLookupTableData')} is not there",
            EXPORT_AGAIN,
        )
    white = white_of(elements, *tables, descriptor="RedPaletteColorLookupTableDescriptor")
    return [_scaled(table, white) for table in tables]


def _table(elements: Elements, channel: str, cells: Cells) -> LookupTable:
    values = cells.values(cells.every)
    descriptor, data = (
        f"{channel}PaletteColorLookupTable{each}" for each in ("Descriptor", "Data")
    )
    ends = (float(values.min()), float(values.max()))
    try:
        return lookup_table(elements, ends, descriptor=descriptor, data=data)
    except BadTable as error:
        raise refusal_of(data, str(error)) from error


def _expanded(ds: Dataset, cells: Cells) -> list[LookupTable]:
    """Return the palette that segments describe, for every possible value."""
    values = np.sort(cells.values(cells.every)).astype(np.int64)
    lowest, highest = int(values[0]), int(values[-1])
    colours = apply_color_lut(np.arange(lowest, highest + 1), ds)
    bits = 8 * colours.dtype.itemsize
    return [LookupTable(colours[:, k].astype(np.float64), lowest, bits) for k in range(3)]


def _scaled(table: LookupTable, white: float) -> Curve:
    def curve(values: Values) -> Values:
        return np.minimum(table(values) / white, 1)

    return curve
