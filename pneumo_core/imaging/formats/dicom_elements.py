"""Lenient reading of a DICOM file's elements, without pydicom's global settings.

Numbers with a decimal comma, blanks and unexpected value representations are common; pydicom raises
on some and silently misreads others.
"""

import math
import re
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from pydicom.datadict import dictionary_description, dictionary_VR, tag_for_keyword
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from pneumo_core.imaging.refusal import EXPORT_AGAIN, Refusal

__all__ = ["Elements", "name_of", "refusal_of"]

Element: TypeAlias = RawDataElement | DataElement

_BINARY = {
    "US": "u2", "SS": "i2", "UL": "u4", "SL": "i4", "UV": "u8", "SV": "i8", "FL": "f4", "FD": "f8",
    "US or SS": "u2", "US or OW": "u2", "US or SS or OW": "u2", "OW": "u2", "OB": "u1",
}  # fmt: skip
"""NumPy's type of each value representation; unsigned if the file leaves it open."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MOST_NUMBERS = 64
"""Most numbers read from one element: the first window is used, a page offers a few more."""
_SHOWN = 40
"""Letters of a wrong value that a message repeats."""

# Functional groups of an enhanced object, and the top-level elements they replace (C.7.6.16).
_GROUPS = {
    "PixelValueTransformationSequence": (
        "ModalityLUTSequence", "RescaleIntercept", "RescaleSlope"),
    "FrameVOILUTSequence": (
        "VOILUTSequence", "WindowCenter", "WindowWidth", "WindowCenterWidthExplanation",
        "VOILUTFunction"),
    "PixelMeasuresSequence": ("PixelSpacing",),
    "FrameAnatomySequence": ("AnatomicRegionSequence",),
    "PatientOrientationInFrameSequence": ("PatientOrientation",),
}  # fmt: skip


class Elements:
    """A dataset's elements by keyword; those of its functional groups replace the top-level ones.

    ``warnings``: a sentence for each repaired or ignored element, in order.
    """

    def __init__(self, ds: Dataset, warnings: list[str] | None = None) -> None:
        self.warnings: list[str] = [] if warnings is None else warnings
        self._ds = ds
        self._moved: dict[int, Element | None] = {}
        for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
            self._move(_items(ds.get(groups)))

    def _move(self, groups: list[Dataset]) -> None:
        """Let the first frame's functional groups replace elements at the top level."""
        for group, keywords in _GROUPS.items():
            for item in _items(groups[0].get(group))[:1] if groups else ():
                if len(item):
                    self._moved |= {_tag(keyword): None for keyword in keywords}
                    self._moved |= {int(tag): item.get_item(tag) for tag in tuple(item.keys())}

    def warn(self, sentence: str) -> None:
        """Add a warning to the file's facts, once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)

    def element(self, keyword: str) -> Element | None:
        """Return an element, unparsed if it was not parsed before; None if it is absent."""
        tag = _tag(keyword)
        if tag in self._moved:
            return self._moved[tag]
        return self._ds.get_item(tag) if tag in self._ds else None

    def items(self, keyword: str) -> list["Elements"]:
        """Return the items of a sequence that are not empty; they share this object's warnings."""
        tag = _tag(keyword)
        found = self._moved.get(tag)
        if tag not in self._moved:
            value = self._ds.get(keyword)
        else:
            value = found.value if isinstance(found, DataElement) else None
            if isinstance(found, RawDataElement):
                holder = Dataset()
                holder[tag] = found
                value = holder.get(keyword)
        return [Elements(item, self.warnings) for item in _items(value) if len(item)]

    def text(self, keyword: str) -> str | None:
        """Return the trimmed text, of any encoding; None if there is none."""
        element = self.element(keyword)
        value = element.value if element is not None else None
        if isinstance(value, bytes):
            value = _decoded(value)
        if value is None:
            return None
        text = "".join(each if each.isprintable() else " " for each in str(value))
        return text.strip() or None

    def numbers(self, keyword: str, *, strict: bool = True) -> tuple[float | None, ...]:
        """Return the finite numbers, None for a blank among them; empty if there are none.

        A decimal comma is read as a point, with a warning. What is not a number is None unless
        ``strict``, which raises ValueError with the value.
        """
        element = self.element(keyword)
        if element is None:
            return ()
        number = self._number if strict else self._number_or_none
        values = [number(each, keyword) for each in _parts(element)[:_MOST_NUMBERS]]
        return tuple(values) if any(each is not None for each in values) else ()

    def positive_pair(self, keyword: str) -> tuple[float, float] | None:
        """Return the element's two numbers; None unless there are two and both are positive."""
        try:
            numbers = [each for each in self.numbers(keyword) if each is not None]
        except ValueError:
            return None
        return (numbers[0], numbers[1]) if len(numbers) == 2 and min(numbers) > 0 else None

    def _number(self, value: Any, keyword: str) -> float | None:
        if not isinstance(value, str):
            number = float(value)
        else:
            text = value.replace("\0", " ").strip()
            if not text:
                return None
            number = self._from_text(text, keyword)
        if not math.isfinite(number):
            raise ValueError(str(value)[:_SHOWN])
        return number

    def _number_or_none(self, value: Any, keyword: str) -> float | None:
        try:
            return self._number(value, keyword)
        except ValueError:
            return None

    def _from_text(self, text: str, keyword: str) -> float:
        pointed = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
        if not _NUMBER.fullmatch(pointed):
            raise ValueError("".join(c for c in text if c.isprintable())[:_SHOWN])
        if pointed != text:
            self.warn(f"{name_of(keyword)} has a decimal comma; it was read as a point.")
        return float(pointed)

    def number(self, keyword: str) -> float | None:
        """Return the first number; None for an absent or blank element. Raises Refusal for text."""
        try:
            return next((each for each in self.numbers(keyword) if each is not None), None)
        except ValueError as error:
            raise refusal_of(keyword, f"is '{error}', not a number") from error

    def integer(self, keyword: str) -> int | None:
        """Return ``number`` as an integer. Raises Refusal if it is not whole."""
        number = self.number(keyword)
        if number is not None and number != int(number):
            raise refusal_of(keyword, f"is {number:g}, not a whole number")
        return None if number is None else int(number)


def name_of(keyword: str) -> str:
    """Return an element's name and tag: "Bits Stored (0028,0101)"."""
    tag = Tag(keyword)
    return f"{dictionary_description(tag)} ({tag.group:04X},{tag.element:04X})"


def refusal_of(keyword: str, what: str) -> Refusal:
    """Return the refusal of a file for one element, named, and ``what`` is wrong with it."""
    return Refusal(f"its {name_of(keyword)} {what}", EXPORT_AGAIN)


def _tag(keyword: str) -> int:
    return int(tag_for_keyword(keyword) or 0)


def _items(value: Any) -> list[Dataset]:
    """Return the items of what should be a sequence."""
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        return []
    return [item for item in value if isinstance(item, Dataset)]


def _decoded(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("latin-1")


def _parts(element: Element) -> list[Any]:
    """Return an element's values: numbers, or texts that should be numbers."""
    value = element.value
    if not isinstance(value, bytes):
        if isinstance(value, str) or not isinstance(value, Iterable):
            return [] if value is None else [value]
        return [each if isinstance(each, int | float) else str(each) for each in value]
    kind = _BINARY.get(_representation(element))
    if kind is None:
        return list(_decoded(value).split("\\", _MOST_NUMBERS))
    little = not isinstance(element, RawDataElement) or element.is_little_endian
    whole = len(value) - len(value) % int(kind[1])
    numbers: list[Any] = np.frombuffer(value[:whole], f"{'<' if little else '>'}{kind}").tolist()
    return numbers


def _representation(element: Element) -> str:
    """Return the value representation; the dictionary's if the file gives none."""
    told = element.VR
    return dictionary_VR(element.tag) if told in (None, "UN") else str(told)
