"""Lookup tables of a DICOM file (PS3.3 C.11.1.1 and C.7.6.3.1.5): their entries and their depth."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataelem import RawDataElement

from pneumo_core.imaging.formats.dicom_elements import Elements, name_of
from pneumo_core.imaging.grey_values import Values, full_scale

__all__ = ["BadTable", "LookupTable", "lookup_table", "white_of"]

_WORDS = 65536
_MOST_BITS = 16
_DEEP = 256
"""From this white on, the depth may be declared wrongly; real tables have 8 bits or more."""


class BadTable(ValueError):
    """An unusable table; the message completes a sentence about its element."""


@dataclass(frozen=True, eq=False)
class LookupTable:
    """Entries float64 (N,), the value of the first one, and the declared bits."""

    entries: Values
    first: int
    bits: int

    def __call__(self, values: Values) -> Values:
        """Return the entry of each value; values outside the table take its first or last entry."""
        index = np.clip(np.rint(values) - self.first, 0, len(self.entries) - 1)
        found: Values = self.entries[index.astype(np.int64)]
        return found


def lookup_table(
    elements: Elements,
    span: tuple[float, float],
    *,
    descriptor: str = "LUTDescriptor",
    data: str = "LUTData",
) -> LookupTable:
    """Return the lookup table of a sequence item.

    ``span``: the lowest and highest value to look up, which decides whether a first value above
    32,767 is negative. Raises BadTable.
    """
    try:
        numbers = [int(number) for number in elements.numbers(descriptor) if number is not None]
    except ValueError as error:
        raise BadTable(f"has a {name_of(descriptor)} of '{error}'") from error
    if len(numbers) < 3:
        raise BadTable(f"has no {name_of(descriptor)} of three numbers")
    count, first, bits = numbers[:3]
    entries = _entries(elements, data, count % _WORDS or _WORDS, bits)
    return LookupTable(entries, _first(first, len(entries), span), bits)


def _entries(elements: Elements, keyword: str, count: int, bits: int) -> Values:
    element = elements.element(keyword)
    value: Any = None if element is None else element.value
    if not isinstance(value, bytes):
        entries = np.atleast_1d(np.asarray([] if value is None else value, np.float64))
    else:
        order = ">" if isinstance(element, RawDataElement) and not element.is_little_endian else "<"
        narrow = len(value) < 2 * count and (bits <= 8 or len(value) - count in (0, 1))
        if narrow and bits > 8:
            elements.warn(
                f"A lookup table is declared with {bits} bits an entry but holds 8; "
                "they were read as 8."
            )
        whole = value if narrow else value[: len(value) // 2 * 2]
        entries = np.frombuffer(whole, "u1" if narrow else f"{order}u2")
    entries = entries[:count].astype(np.float64)
    if not len(entries):
        raise BadTable("holds no entries")
    if len(entries) < count:
        elements.warn(
            f"A lookup table has {len(entries):,} of its {count:,} entries; "
            "the last one was used for all beyond."
        )
    return entries


def white_of(elements: Elements, *tables: LookupTable, descriptor: str = "LUTDescriptor") -> float:
    """Return the entry that counts as white: the declared depth, if the entries come near it.

    Agfa CR declares 16 bits and uses 14; taken literally, the X-ray would have a quarter of its
    brightness.
    """
    bits = tables[0].bits
    told = float((1 << bits) - 1) if 1 <= bits <= _MOST_BITS else 0.0
    largest = max(float(table.entries.max()) for table in tables)
    used = float(full_scale(int(largest)))
    if largest <= told and (largest == 0 or used >= told or told < _DEEP):
        return told
    white = largest if 0 < told < largest else used
    elements.warn(
        f"A lookup table is declared with {bits} bits an entry ({name_of(descriptor)}), but its "
        f"largest entry is {largest:,.0f}; {white:,.0f} counts as white."
    )
    return white


def _first(told: int, count: int, span: tuple[float, float]) -> int:
    """Return the first mapped value; negative if that covers more of the values looked up."""
    unsigned = told % _WORDS
    signed = unsigned - _WORDS

    def covered(first: int) -> float:
        return min(first + count - 1, span[1]) - max(first, span[0])

    if unsigned < _WORDS // 2:
        return unsigned
    if covered(signed) == covered(unsigned):
        return told
    return signed if covered(signed) > covered(unsigned) else unsigned
