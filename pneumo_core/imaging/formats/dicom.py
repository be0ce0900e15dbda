"""Reading of DICOM files with pydicom and its codecs.

Only the elements in `_KEYWORDS` are ever parsed: no name, number or birth date of a person.
"""

import zlib
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from pneumo_core.core.settings import Settings
from pneumo_core.imaging.formats.dicom_codecs import PIXELS, refuse_undecodable, stored_pixels
from pneumo_core.imaging.formats.dicom_codestream import (
    believed_codestream,
    is_native,
    refuse_other_byte_order,
    refuse_unknown_syntax,
)
from pneumo_core.imaging.formats.dicom_elements import Elements, name_of, refusal_of
from pneumo_core.imaging.formats.dicom_facts import facts_of
from pneumo_core.imaging.formats.dicom_image_pixel import ImagePixel, image_pixel, warn_of_rest
from pneumo_core.imaging.formats.dicom_palette import palette_curves
from pneumo_core.imaging.formats.dicom_proportions import square_pixels, squared_values, true_shape
from pneumo_core.imaging.formats.dicom_shape import believed_planes, believed_shape
from pneumo_core.imaging.formats.dicom_stored_values import Cells, cells_of
from pneumo_core.imaging.formats.dicom_windowing import is_inverted, look_of, modality_curve
from pneumo_core.imaging.formats.lossy_history import LOSSY_KEYWORDS, dicom_steps
from pneumo_core.imaging.formats.pydicom_settings import lenient_pydicom
from pneumo_core.imaging.grey_values import (
    TINTED,
    Grey,
    colour_sample,
    full_scale,
    luma,
    luma_curve,
    sampled_colour,
    tint_of,
)
from pneumo_core.imaging.limits import CountedBytes
from pneumo_core.imaging.radiograph import MANUFACTURER, FileFacts, Window
from pneumo_core.imaging.refusal import (
    EXPORT_AGAIN,
    ONE_PER_FILE,
    USE_KNOWN_FORMAT,
    Refusal,
    refuse_size,
)
from pneumo_core.imaging.signature import with_preamble
from pneumo_core.imaging.windowing import PixelValues

_KEYWORDS = [
    "SOPClassUID",
    "Modality",
    "BodyPartExamined",
    "ViewPosition",
    "ViewCodeSequence",
    "AnatomicRegionSequence",
    "PatientOrientation",
    "BurnedInAnnotation",
    "PatientAge",
    "PixelSpacing",
    "ImagerPixelSpacing",
    "PixelAspectRatio",
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
    "PresentationLUTSequence",
    "PresentationIntentType",
    "PixelPaddingValue",
    "PixelPaddingRangeLimit",
    "FloatPixelPaddingValue",
    "FloatPixelPaddingRangeLimit",
    "DoubleFloatPixelPaddingValue",
    "DoubleFloatPixelPaddingRangeLimit",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
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
    *("Laterality", "ImageLaterality", "Manufacturer", *LOSSY_KEYWORDS),
]
_PREAMBLE = bytes(128) + b"DICM"
_PIECE = 1 << 20
"""Bytes that are unpacked in one step."""
_LONGEST = 1 << 16
"""Largest value in bytes that pydicom may parse; explicit VRs allow no more."""
_LONGEST_TABLE = 1 << 21
"""Largest lookup table in bytes."""
_PIXELS = frozenset(map(Tag, PIXELS))
_TABLES = frozenset(
    Tag(keyword)
    for keyword in ("LUTData", *_KEYWORDS)
    if keyword.endswith(("LUTData", "Sequence", "TableData", "OffsetTable", "TableLengths"))
)
"""Elements that hold tables, sequences of tables, or offsets of fragments."""
_USE_PICTURE = "Use the picture itself: its DICOM file has rows and columns"


@dataclass(frozen=True, eq=False)
class _Film:
    """A decoded DICOM file: pixels (H, W) as stored, or (H, W, 3) RGB."""

    ds: Dataset
    elements: Elements
    syntax: str | None
    image: ImagePixel
    pixels: npt.NDArray[Any]

    @property
    def is_colour(self) -> bool:
        """Whether it is a colour picture, by its samples or by a palette."""
        return self.pixels.ndim == 3 or self.image.photometric == "PALETTE COLOR"

    @property
    def cells(self) -> Cells:
        """The pixels of a picture with one sample per pixel."""
        return cells_of(self.elements, self.image, self.pixels)


def read_dicom(data: bytes, limits: Settings) -> tuple[Grey, FileFacts]:
    """Return grey float32 (H, W), bright = dense, and the file's facts. Infinities are not checked.

    Raises Refusal, and whatever pydicom and its codecs raise on damaged bytes.
    """
    with lenient_pydicom():
        film = _decoded(data, limits)
        windows: tuple[Window, ...] = ()
        if film.is_colour:
            grey, colour = _grey_of_colour(film)
        else:
            cells, colour = film.cells, False
            look = look_of(film.elements, film.image, cells)
            grey, windows = cells.through(look.curve), look.windows
        shape = true_shape(film.elements, grey.shape, limits)
        facts = facts_of(film.elements, film.image, film.syntax, windows=windows, colour=colour)
        lossy = dicom_steps(film.ds, len(data), film.pixels.nbytes)
    ours = film.elements.text("Manufacturer") == MANUFACTURER
    return square_pixels(grey, replace(facts, lossy=lossy, from_pneumo=ours), shape)


def read_dicom_values(data: bytes, limits: Settings) -> PixelValues:
    """Return the values that windows apply to, which may be infinite. Raises as ``read_dicom``."""
    with lenient_pydicom():
        film = _decoded(data, limits)
        values = _values_of(film)
        return squared_values(values, true_shape(film.elements, values.values.shape, limits))


def _values_of(film: _Film) -> PixelValues:
    if film.is_colour:
        return PixelValues(_grey_of_colour(film)[0], inverted=False)
    cells = film.cells
    values = cells.through(modality_curve(film.elements, cells))
    return PixelValues(values, is_inverted(film.elements, film.image), cells.padded())


def _grey_of_colour(film: _Film) -> tuple[Grey, bool]:
    """Return the luma of a colour picture, without its tint, and whether it has colour."""
    if film.pixels.ndim == 3:
        full = _white_of_colour(film)
        grey, sample = luma(film.pixels, full), colour_sample(film.pixels)
    else:
        cells, full = film.cells, 1.0
        curves = palette_curves(film.elements, film.ds, cells)
        grey = cells.through(luma_curve(*curves))
        coarse = cells.values(colour_sample(film.pixels.view(cells.pixels.dtype)))
        sample = np.stack([curve(coarse) for curve in curves], axis=-1)
    if not sampled_colour(sample, full):
        return grey, False
    tint = tint_of(sample, full)
    if tint is None:
        return grey, True
    tint.remove_from(grey)
    film.elements.warn(TINTED)
    return grey, False


def _white_of_colour(film: _Film) -> float:
    """Return the channel value that counts as white: by Bits Stored, or by the bits in use.

    12 bits in 16 are not a dark picture, as in a PNG.
    """
    declared = (1 << film.image.stored) - 1
    used = full_scale(int(film.pixels.max()))
    if used < declared:
        film.elements.warn(
            f"{name_of('BitsStored')} is {film.image.stored}, but the colours use "
            f"{used.bit_length()} bits; {used:,} counts as white."
        )
    return float(min(used, declared))


def _decoded(data: bytes, limits: Settings) -> _Film:
    ds, syntax = _dataset(with_preamble(data), limits)
    elements = Elements(ds)
    keyword = _pixel_keyword(ds, elements)
    _refuse_unfit(elements, limits)
    native = is_native(ds, keyword, elements)
    held = len(ds[keyword].value or b"") if native else None
    image = image_pixel(elements, keyword, held)
    if held:
        little = ds.file_meta.TransferSyntaxUID != ExplicitVRBigEndian
        image = believed_shape(elements, image, ds[keyword].value, little=little)
        warn_of_rest(elements, image, held)
    elif not native:
        image = believed_codestream(ds, elements, image)
    refuse_undecodable(ds, image)
    pixels = stored_pixels(ds, image)
    if image.samples == 3:
        pixels = _channels(believed_planes(elements, image, pixels), image)
    for each in PIXELS:  # nobody needs them twice
        if each in ds:
            del ds[each]
    return _Film(ds, elements, syntax, image, pixels)


def _channels(pixels: npt.NDArray[Any], image: ImagePixel) -> npt.NDArray[Any]:
    """Return each channel's value without the unused bits."""
    shift, mask = image.high + 1 - image.stored, (1 << image.stored) - 1
    if image.stored == 8 * pixels.dtype.itemsize:
        return pixels
    kind = pixels.dtype.type
    channels: npt.NDArray[Any] = (pixels >> kind(shift)) & kind(mask)
    return channels


def _dataset(data: bytes, limits: Settings) -> tuple[Dataset, str | None]:
    """Return the dataset, ready to be decoded, and the name of its transfer syntax."""
    meta, start = _file_meta(data)
    if meta.get("MediaStorageSOPClassUID") == MediaStorageDirectoryStorage:
        raise Refusal("this is a DICOMDIR, the table of contents of a disc", _USE_PICTURE)
    syntax = meta.get("TransferSyntaxUID")
    refuse_unknown_syntax(syntax)
    refuse_other_byte_order(syntax, data[start : start + 2])
    deflated = syntax == DeflatedExplicitVRLittleEndian
    file = _inflated(data[start:], limits) if deflated else CountedBytes(data)
    ds = pydicom.dcmread(file, specific_tags=list(_KEYWORDS))
    _refuse_long(ds)
    if not ds:  # pydicom keeps nothing of a dataset that ends in the middle of an element
        raise Refusal("it is truncated, or it contains no image", EXPORT_AGAIN)
    if syntax in (None, DeflatedExplicitVRLittleEndian):
        ds.file_meta.TransferSyntaxUID = _guessed_syntax(ds)
    return ds, str(syntax.name) if syntax else None


def _refuse_long(ds: Dataset) -> None:
    """Refuse values far too long for their element, before pydicom makes objects of them.

    Millions of numbers would take minutes and all memory.
    """
    for tag in ds.keys() - _PIXELS:
        element: Any = ds.get_item(tag)  # raw, or taken apart already
        if isinstance(element, RawDataElement):
            if len(element.value or b"") > (_LONGEST_TABLE if tag in _TABLES else _LONGEST):
                raise Refusal("it is damaged: one of its elements is far too long", EXPORT_AGAIN)
        elif element.VR == "SQ":
            for item in element.value:
                _refuse_long(item)


def dicom_size(file: BinaryIO) -> tuple[int, int]:
    """Return (width, height) from the header. Raises Refusal, or pydicom's errors on damaged bytes.

    Nothing after the header is read.
    """
    if file.read(4) == b"DICM":
        file = CountedBytes(_PREAMBLE + file.read())
    file.seek(0)
    with lenient_pydicom():
        header = pydicom.dcmread(
            file, stop_before_pixels=True, specific_tags=["Rows", "Columns"], force=True
        )
    _refuse_long(header)
    if "Rows" not in header or "Columns" not in header:
        raise Refusal("it contains no image", USE_KNOWN_FORMAT)
    return int(header.Columns), int(header.Rows)


def _file_meta(data: bytes) -> tuple[Dataset, int]:
    """Return the elements of group 0002, and the position where the dataset begins."""
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
    """Return the inflated dataset as a file, up to four bytes for each allowed pixel.

    It is written in pieces; inflating it at once would need three copies of it.
    """
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    file, left = CountedBytes(), 4 * limits.max_pixels
    file.write(_PREAMBLE)
    while left > 0 and packed and not inflater.eof:
        left -= file.write(inflater.decompress(packed, min(left, _PIECE)))
        packed = inflater.unconsumed_tail
    if packed and not inflater.eof:
        megapixels = f"{limits.max_pixels / 1e6:g} million pixels"
        raise Refusal(
            f"it unpacks to more than an X-ray of the {megapixels} allowed here",
            "Use a smaller copy, or raise PNEUMO_MAX_MEGAPIXELS",
        )
    if not inflater.eof:
        raise Refusal("it is truncated: its deflated dataset has no end", EXPORT_AGAIN)
    file.seek(len(_PREAMBLE))
    if file.read(2) == b"\x02\0":
        raise Refusal("it is damaged: it has a second file header", EXPORT_AGAIN)
    file.seek(0)
    return file


def _guessed_syntax(ds: Dataset) -> UID:
    if any(ds[keyword].is_undefined_length for keyword in PIXELS if keyword in ds):
        raise Refusal("it does not say how its pixels are compressed", EXPORT_AGAIN)
    implicit, little = ds.original_encoding
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _pixel_keyword(ds: Dataset, elements: Elements) -> str:
    """Return the keyword of the element that holds the pixels. Raises Refusal if there is none."""
    found = next((keyword for keyword in PIXELS if keyword in ds), None)
    if found is not None:
        return found
    if "Rows" in ds:
        raise Refusal("its pixels are missing: it has only a header", EXPORT_AGAIN)
    uid = elements.text("SOPClassUID")
    kind = f" ({UID(uid.rstrip(chr(0))).name})" if uid else ""
    raise Refusal(f"this is a DICOM file without a picture{kind}", _USE_PICTURE)


def _refuse_unfit(elements: Elements, limits: Settings) -> None:
    rows, columns = elements.integer("Rows"), elements.integer("Columns")
    if not (rows and columns):
        raise Refusal("its header does not give the size of its picture", EXPORT_AGAIN)
    refuse_size(columns, rows, limits)
    frames = elements.integer("NumberOfFrames") or 1
    if frames > 1:
        raise Refusal(f"it has {frames} frames", ONE_PER_FILE)
    if frames < 1:
        raise refusal_of("NumberOfFrames", f"is {frames}")
