"""Compressed pixels that contradict the header: another codec, or another depth."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from pneumo_core.imaging.formats.dicom_elements import Elements, name_of, refusal_of
from pneumo_core.imaging.formats.dicom_image_pixel import ImagePixel
from pneumo_core.imaging.refusal import EXPORT_AGAIN, Refusal
from pneumo_core.imaging.signature import codestream_samples, jpeg2000_bits, jpeg_process

__all__ = ["believed_codestream", "is_native", "refuse_other_byte_order", "refuse_unknown_syntax"]

_SYNTAX = "Transfer Syntax UID (0002,0010)"
_ITEM = b"\xfe\xff\x00\xe0"
_JPEG_LS, _LOSSLESS, _LOSSY = 0xF7, 0xC3, (0xC0, 0xC1, 0xC2)
_KIND_OF: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"), "JPEG"),
        **dict.fromkeys(("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"), "JPEG Lossless"),
        **dict.fromkeys(("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81"), "JPEG-LS"),
        **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}" for n in range(90, 94)), "JPEG 2000"),
        **dict.fromkeys((f"1.2.840.10008.1.2.4.{n}" for n in range(201, 204)), "JPEG 2000"),
        str(RLELossless): "RLE",
    }
)
_SYNTAX_OF: Mapping[str, UID] = MappingProxyType(
    {
        "JPEG": JPEGBaseline8Bit,
        "JPEG Lossless": JPEGLosslessSV1,
        "JPEG-LS": JPEGLSLossless,
        "JPEG 2000": JPEG2000Lossless,
    }
)


def refuse_unknown_syntax(syntax: UID | None) -> None:
    """Refuse a transfer syntax that is in no list: how the file is written is not known."""
    if syntax is not None and not (syntax.is_valid and syntax.is_transfer_syntax):
        shown = "".join(c for c in str(syntax) if c.isprintable())[:64]
        raise Refusal(f"its {_SYNTAX} is '{shown}', which Pneumo does not support", EXPORT_AGAIN)


def refuse_other_byte_order(syntax: UID | None, group: bytes) -> None:
    """Refuse a dataset in another byte order than declared, by the group of its first element."""
    told = {b"\x08\0": "little", b"\0\x08": "big"}.get(group)
    declared = "big" if syntax == ExplicitVRBigEndian else "little"
    if syntax is None or syntax == DeflatedExplicitVRLittleEndian:
        return
    if told not in (None, declared):
        raise Refusal(
            f"its {_SYNTAX} says {syntax.name}, but its elements are {told}-endian", EXPORT_AGAIN
        )


def is_native(ds: Dataset, keyword: str, elements: Elements) -> bool:
    """Return whether the pixels are uncompressed, by what they are and not by what is declared.

    Pixels that are declared compressed and are not are read as they are, with a warning. Raises
    Refusal for compressed ones that are declared uncompressed.
    """
    syntax, element = ds.file_meta.TransferSyntaxUID, ds[keyword]
    in_items = bytes((element.value or b"")[:4]) == _ITEM
    if not syntax.is_encapsulated:
        if element.is_undefined_length and in_items:
            raise Refusal(
                f"its {_SYNTAX} says {syntax.name}, but its pixels are compressed", EXPORT_AGAIN
            )
        return True
    if element.is_undefined_length or in_items or not element.value:
        return False
    elements.warn(
        f"{_SYNTAX} says {syntax.name}, but the pixels are not compressed; they were read as they "
        "are."
    )
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return True


def believed_codestream(ds: Dataset, elements: Elements, image: ImagePixel) -> ImagePixel:
    """Return how the compressed pixels lie, codec and depth as the codestream itself says.

    What was repaired becomes a warning. Raises Refusal for a lossy JPEG of 12 bits.
    """
    if not ds[image.keyword].value:
        return image
    frame = next(generate_frames(ds[image.keyword].value, number_of_frames=1))
    kind, bits = _codec_of(frame)
    declared = _KIND_OF.get(str(ds.file_meta.TransferSyntaxUID))
    if kind and declared and kind != declared:
        elements.warn(
            f"{_SYNTAX} says {ds.file_meta.TransferSyntaxUID.name}, but the picture is {kind}; it "
            "was read as that."
        )
        ds.file_meta.TransferSyntaxUID = _SYNTAX_OF[kind]
    if declared == "RLE" and kind is None:
        image = _with_samples(elements, image, kind, _samples_of_rle(frame))
        return _with_depth(elements, image, _allocated_by_rle(frame, image))
    if kind == "JPEG" and bits is not None and bits > 8:
        raise Refusal(
            f"it is compressed as a lossy JPEG with {bits} bits, which Pneumo can't decode",
            "Export it uncompressed, or as JPEG Lossless or JPEG 2000",
        )
    image = _with_samples(elements, image, kind, codestream_samples(frame))
    if bits is None or (kind != "JPEG" and bits <= image.allocated):
        return image
    return _with_depth(elements, image, 8 if bits <= 8 else 16, bits)


def _codec_of(frame: bytes) -> tuple[str | None, int | None]:
    """Return the codec of a codestream and its bits a sample, as far as it states them."""
    if (bits := jpeg2000_bits(frame)) is not None:
        return "JPEG 2000", bits
    process = jpeg_process(frame)
    if process is None:
        return None, None
    marker, bits = process
    if marker in _LOSSY:
        return "JPEG", bits
    return {_JPEG_LS: "JPEG-LS", _LOSSLESS: "JPEG Lossless"}.get(marker), bits


def _samples_of_rle(frame: bytes) -> int | None:
    """Return the channels by the number of byte planes, for 8 and 16 bits; None for any other."""
    return {1: 1, 2: 1, 3: 3, 6: 3}.get(int.from_bytes(frame[:4], "little"))


def _allocated_by_rle(frame: bytes, image: ImagePixel) -> int:
    """Return Bits Allocated by the number of byte planes, where that is 1 or 2 a sample."""
    planes = int.from_bytes(frame[:4], "little")
    known = {image.samples: 8, 2 * image.samples: 16}
    return known.get(planes, image.allocated)


def _with_samples(
    elements: Elements, image: ImagePixel, kind: str | None, samples: int | None
) -> ImagePixel:
    """Return the image with the codestream's channels. Raises Refusal if their colours are open."""
    if samples is None or samples == image.samples:
        return image
    said = f"is {image.samples}, but the compressed picture has {_channels(samples)}"
    if samples not in (1, 3) or (samples == 3 and image.photometric != "MONOCHROME2"):
        raise refusal_of("SamplesPerPixel", said)
    elements.warn(f"{name_of('SamplesPerPixel')} {said}; it was read that way.")
    colours = "YBR_FULL_422" if kind == "JPEG" else "RGB"
    photometric = colours if samples == 3 else "MONOCHROME2"
    return replace(image, samples=samples, photometric=photometric)


def _channels(samples: int) -> str:
    return "1 channel" if samples == 1 else f"{samples} channels"


def _with_depth(
    elements: Elements, image: ImagePixel, allocated: int, stored: int | None = None
) -> ImagePixel:
    if allocated == image.allocated:
        return image
    stored = stored or (image.stored if 8 < image.stored <= allocated else allocated)
    elements.warn(
        f"{name_of('BitsAllocated')} is {image.allocated}, but the compressed picture has "
        f"{stored} bits; they were read."
    )
    return replace(image, allocated=allocated, stored=stored, high=stored - 1)
