"""DICOM films, by pydicom and the codecs beside it.

Only the elements in `_KEYWORDS` are ever parsed: no name, number or birth date of a person.
"""

import re
import zlib
from typing import Any, BinaryIO

import numpy as np
import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from pneumo_core.data._lenient import lenient_pydicom
from pneumo_core.data._pieces import CountedBytes
from pneumo_core.data._presentation import film_windows, is_inverted, modality_values, shown
from pneumo_core.data._refusal import SEND_A_FILM, SEND_AGAIN, SEND_ONE, Refusal, refuse_size
from pneumo_core.data._stored import (
    PIXELS,
    Paletted,
    Stored,
    full_value,
    refuse_undecodable,
    stored_values,
)
from pneumo_core.data._tones import Grey, carries_colour, luma
from pneumo_core.data.radiograph import FilmFacts
from pneumo_core.settings import Settings

_KEYWORDS = [
    "SOPClassUID",
    "Modality",
    "BodyPartExamined",
    "ViewPosition",
    "PatientOrientation",
    "BurnedInAnnotation",
    "PatientAge",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "NumberOfFrames",
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "ModalityLUTSequence",
    "RescaleSlope",
    "RescaleIntercept",
    "VOILUTSequence",
    "WindowCenter",
    "WindowWidth",
    "WindowCenterWidthExplanation",
    "VOILUTFunction",
    "PresentationLUTShape",
    "RedPaletteColorLookupTableDescriptor",
    "GreenPaletteColorLookupTableDescriptor",
    "BluePaletteColorLookupTableDescriptor",
    "RedPaletteColorLookupTableData",
    "GreenPaletteColorLookupTableData",
    "BluePaletteColorLookupTableData",
    "SegmentedRedPaletteColorLookupTableData",
    "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData",
    "ExtendedOffsetTable",
    "ExtendedOffsetTableLengths",
    "FloatPixelData",
    "DoubleFloatPixelData",
    "PixelData",
]
_PREAMBLE = bytes(128) + b"DICM"
_PIECE = 1 << 20
"""Bytes that are unpacked at once."""
_LONGEST = 1 << 16
"""Bytes of a value that pydicom takes apart; what is told explicitly can have no more."""
_LONGEST_TABLE = 1 << 21
"""Bytes of a lookup table: 65,536 entries, of which some files write a few."""
_PIXELS = frozenset(map(Tag, PIXELS))
_TABLES = frozenset(
    Tag(keyword)
    for keyword in ("LUTData", *_KEYWORDS)
    if keyword.endswith(("LUTData", "Sequence", "TableData", "OffsetTable", "TableLengths"))
)
"""The elements that hold tables, those that hold sequences of them, and places of fragments."""
_UNITS_A_YEAR = {"D": 365.25, "W": 365.25 / 7, "M": 12.0, "Y": 1.0}
_SEND_PICTURE = "Send the picture itself: its DICOM file has rows and columns"


@lenient_pydicom()
def read_dicom(data: bytes, limits: Settings) -> tuple[Grey, FilmFacts]:
    """Grey float32 (H, W), bright = dense, and its facts. Not yet checked for infinities.

    Raises Refusal, and whatever pydicom and its codecs raise on damaged bytes.
    """
    ds, syntax, stored = _decoded(data, limits)
    if isinstance(stored, Paletted) or stored.ndim == 3:
        full = full_value(ds, stored)
        grey, colour = luma(stored, full), carries_colour(stored, full)
    else:
        grey, colour = shown(ds, stored), False
    return grey, FilmFacts(
        format="DICOM",
        width=grey.shape[1],
        height=grey.shape[0],
        bits=int(ds.get("BitsStored") or ds.BitsAllocated),
        colour=colour,
        photometric=_text(ds, "PhotometricInterpretation"),
        modality=_text(ds, "Modality"),
        body_part=_text(ds, "BodyPartExamined"),
        view_position=_text(ds, "ViewPosition"),
        age_years=_age_years(_text(ds, "PatientAge")),
        pixel_spacing_mm=_spacing(ds),
        transfer_syntax=syntax,
        windows=film_windows(ds),
        orientation=_orientation(ds),
        burned_in_text={"YES": True, "NO": False}.get(_text(ds, "BurnedInAnnotation") or ""),
    )


@lenient_pydicom()
def read_dicom_values(data: bytes, limits: Settings) -> tuple[Grey, bool]:
    """Values float32 (H, W) that windows speak of, and whether the lowest of them is the densest.

    Raises as ``read_dicom``.
    """
    ds, _, stored = _decoded(data, limits)
    if isinstance(stored, Paletted) or stored.ndim == 3:
        return luma(stored, full_value(ds, stored)), False
    return modality_values(ds, stored).astype(np.float32, copy=False), is_inverted(ds)


def _decoded(data: bytes, limits: Settings) -> tuple[Dataset, str | None, Stored]:
    """The dataset, the name of its transfer syntax, and its stored values."""
    if data[128:132] != b"DICM":
        data = _PREAMBLE + data
    ds, syntax = _dataset(data, limits)
    _refuse_unfit(ds, limits)
    refuse_undecodable(ds)
    stored = stored_values(ds, data)
    for keyword in PIXELS:  # nobody needs them twice
        if keyword in ds:
            del ds[keyword]
    return ds, syntax, stored


def _dataset(data: bytes, limits: Settings) -> tuple[Dataset, str | None]:
    """The dataset, able to be decoded, and the name of the transfer syntax that the file gave."""
    meta, start = _file_meta(data)
    if meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise Refusal("this is a DICOMDIR, the table of contents of a disc", _SEND_PICTURE)
    syntax = meta.get("TransferSyntaxUID")
    deflated = syntax == DeflatedExplicitVRLittleEndian
    file = _inflated(data[start:], limits) if deflated else CountedBytes(data)
    ds = pydicom.dcmread(file, specific_tags=list(_KEYWORDS))
    _refuse_long(ds)
    if not ds:  # pydicom keeps nothing of a dataset that ends in the middle of an element
        raise Refusal("it is truncated, or it never held a picture", SEND_AGAIN)
    if syntax in (None, DeflatedExplicitVRLittleEndian):
        ds.file_meta.TransferSyntaxUID = _guessed_syntax(ds)
    return ds, str(syntax.name) if syntax else None


def _refuse_long(ds: Dataset) -> None:
    """Refuse values far too long for what they tell, before pydicom makes objects of them.

    Millions of numbers would take minutes and all memory.
    """
    for tag in ds.keys() - _PIXELS:
        element: Any = ds.get_item(tag)  # raw, or taken apart already
        if isinstance(element, RawDataElement):
            if len(element.value or b"") > (_LONGEST_TABLE if tag in _TABLES else _LONGEST):
                raise Refusal("it is damaged: one of its elements is far too long", SEND_AGAIN)
        elif element.VR == "SQ":
            for item in element.value:
                _refuse_long(item)


@lenient_pydicom()
def dicom_size(file: BinaryIO) -> tuple[int, int]:
    """(width, height) in the header. Raises Refusal, and whatever pydicom raises on damaged bytes.

    Nothing that lies behind the header is read.
    """
    header = pydicom.dcmread(
        file, stop_before_pixels=True, specific_tags=["Rows", "Columns"], force=True
    )
    _refuse_long(header)
    if "Rows" not in header or "Columns" not in header:
        raise Refusal("it holds no picture", SEND_A_FILM)
    return int(header.Columns), int(header.Rows)


def _file_meta(data: bytes) -> tuple[Dataset, int]:
    """The elements of group 0002, and where the dataset begins behind them."""
    file = CountedBytes(data)
    file.seek(132)
    meta = read_dataset(
        file,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, vr, length: tag.group != 2,
    )
    return meta, file.tell()


def _inflated(packed: bytes, limits: Settings) -> CountedBytes:
    """A file of the dataset below the deflated transfer syntax, up to four bytes for each allowed
    pixel. It's written piece by piece: in one, there would be three copies of it for a moment."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    file, left = CountedBytes(), 4 * limits.max_pixels
    file.write(_PREAMBLE)
    while left > 0 and packed and not inflater.eof:
        left -= file.write(inflater.decompress(packed, min(left, _PIECE)))
        packed = inflater.unconsumed_tail
    if packed and not inflater.eof:
        megapixels = f"{limits.max_pixels / 1e6:g} million pixels"
        raise Refusal(
            f"it unpacks to more than a film of the {megapixels} allowed here",
            "Send a smaller copy, or raise PNEUMO_MAX_MEGAPIXELS",
        )
    if not inflater.eof:
        raise Refusal("it is truncated: its deflated dataset has no end", SEND_AGAIN)
    file.seek(len(_PREAMBLE))
    if file.read(2) == b"\x02\0":
        raise Refusal("it is damaged: it holds a second file header", SEND_AGAIN)
    file.seek(0)
    return file


def _guessed_syntax(ds: Dataset) -> UID:
    if any(ds[keyword].is_undefined_length for keyword in PIXELS if keyword in ds):
        raise Refusal("it does not say how its pixels are compressed", SEND_AGAIN)
    implicit, little = ds.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _refuse_unfit(ds: Dataset, limits: Settings) -> None:
    if not any(keyword in ds for keyword in PIXELS):
        if "Rows" in ds:
            raise Refusal("its pixels are missing: only its header is there", SEND_AGAIN)
        uid = ds.get("SOPClassUID")
        kind = f" ({uid.name})" if uid else ""
        raise Refusal(f"this is a DICOM file without a picture{kind}", _SEND_PICTURE)
    if not (ds.get("Rows") and ds.get("Columns")):
        raise Refusal("its header does not give the size of its picture", SEND_AGAIN)
    refuse_size(int(ds.Columns), int(ds.Rows), limits)
    frames = int(ds.get("NumberOfFrames") or 1)
    if frames > 1:
        raise Refusal(f"it holds {frames} frames", SEND_ONE)


def _text(ds: Dataset, keyword: str) -> str | None:
    value = ds.get(keyword)
    return str(value).strip() or None if value is not None else None


def _age_years(age: str | None) -> float | None:
    match = re.fullmatch(r"(\d{1,3})([DWMY])", age or "")
    return int(match[1]) / _UNITS_A_YEAR[match[2]] if match else None


def _spacing(ds: Dataset) -> tuple[float, float] | None:
    try:
        rows, columns = (float(x) for x in ds.get("PixelSpacing") or ds.get("ImagerPixelSpacing"))
    except (TypeError, ValueError):  # absent, or not two numbers
        return None
    sensible = 0 < rows < float("inf") and 0 < columns < float("inf")
    return (rows, columns) if sensible else None


def _orientation(ds: Dataset) -> tuple[str, str] | None:
    value = ds.get("PatientOrientation")
    if not isinstance(value, MultiValue) or len(value) != 2:  # absent, empty, or not a pair
        return None
    row, column = (str(each).strip() for each in value)
    known = all(re.fullmatch(r"[APRLHF]{1,3}", each) for each in (row, column))
    return (row, column) if known else None
