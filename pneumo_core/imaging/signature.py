"""Recognition of file formats by their first bytes, never by their names."""

import re
import struct
from typing import Literal

from pneumo_core.imaging.refusal import EXPORT_AGAIN, USE_KNOWN_FORMAT, Refusal

ImageFormat = Literal["PNG", "JPEG", "TIFF", "BMP", "WebP", "DICOM"]

_FILMS: tuple[tuple[bytes, ImageFormat], ...] = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),
    (b"MM\0+", "TIFF"),
)

_OTHERS: tuple[tuple[int, bytes, str], ...] = (
    (0, b"GIF8", "a GIF picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive or an Office document"),
    (0, b"PK\x05\x06", "an empty ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive, perhaps a compressed NIfTI volume"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\0", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (257, b"ustar", "a tar archive"),
    (344, b"n+1\0", "a NIfTI volume"),
    (344, b"ni1\0", "the header of a NIfTI volume"),
    (4, b"n+2\0", "a NIfTI volume"),
    (0, b"NRRD", "an NRRD volume"),
    (0, b"ObjectType", "a MetaImage volume"),
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (0, b"SIMPLE  =", "a FITS picture"),
    (0, b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (0, b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    *(
        (0, b"P%d" % n + space, "a PNM picture (PBM, PGM or PPM)")
        for n in range(1, 8)
        for space in (b"\n", b" ", b"\r\n")
    ),
    (0, b"8BPS", "a Photoshop document"),
    (0, b"\0\0\x01\0", "a Windows icon"),
    (0, b"%!PS", "a PostScript document"),
    (0, b"\x1aE\xdf\xa3", "a Matroska or WebM video"),
    (0, b"\0\0\x01\xba", "an MPEG video"),
    (0, b"\0\0\x01\xb3", "an MPEG video"),
    (0, b"ID3", "an MP3 recording"),
    (0, b"OggS", "an Ogg recording"),
    (0, b"\x7fELF", "a program"),
    (0, b"MZ", "a Windows program"),
    (0, b"SQLite format 3", "an SQLite database"),
    (0, b"\xd0\xcf\x11\xe0", "an old Office document"),
    (0, b"{\\rtf", "an RTF document"),
)

_STILL_BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), "a HEIC"),
    **dict.fromkeys((b"avif", b"avis"), "an AVIF"),
}
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
_VR = re.compile(
    rb"AE|AS|AT|CS|DA|DS|DT|FL|FD|IS|LO|LT|OB|OD|OF|OL|OV|OW|PN|SH|SL|SQ|SS|ST|SV|TM|UC|UI|UL|UN|"
    rb"UR|US|UT|UV"
)

_PREFIX = b"DICM"
_JP2 = b"\0\0\0\x0cjP  "


def with_preamble(data: bytes) -> bytes:
    """Return a DICOM file with the preamble and the prefix that some files have lost."""
    if data[128:132] == _PREFIX:
        return data
    return bytes(128) + (b"" if data.startswith(_PREFIX) else _PREFIX) + data


def image_format(data: bytes) -> ImageFormat:
    """Return the format of a file that Pneumo reads. Raises Refusal, naming any other format."""
    if not data:
        raise Refusal("it is empty", EXPORT_AGAIN)
    # First, because the preamble may look like a TIFF.
    if data[128:132] == _PREFIX or data.startswith(_PREFIX + b"\x02\0"):
        return "DICOM"
    for magic, name in _FILMS:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WebP"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    if _is_bare_dicom(data):
        return "DICOM"
    what = _other_format(data)
    if what is None:
        raise Refusal("this is not an image in a format that Pneumo reads", USE_KNOWN_FORMAT)
    raise Refusal(f"this is {what}, not a chest X-ray Pneumo can read", USE_KNOWN_FORMAT)


def codestream_size(codestream: bytes) -> tuple[int, int] | None:
    """Return (width, height) of a JPEG, JPEG-LS or JPEG 2000 codestream; None if not given.

    Decoders allocate memory by these numbers, whatever the file's header says.
    """
    if codestream.startswith(b"\xff\x4f\xff\x51"):  # SOC, SIZ: Rsiz, Xsiz, Ysiz, XOsiz, YOsiz
        right, bottom, left, top = struct.unpack_from(">4I", codestream, 8)
        return right - left, bottom - top
    if codestream[4:8] == b"jP  ":
        start = codestream.find(b"\xff\x4f\xff\x51")
        return codestream_size(codestream[start:]) if start > 0 else None
    return _jpeg_size(codestream)


def jpeg_process(codestream: bytes) -> tuple[int, int] | None:
    """Return the frame marker (0xC0 baseline, 0xC3 lossless, 0xF7 JPEG-LS) and the bits a sample.

    None if the codestream is no JPEG or has no frame header.
    """
    place = _frame_header(codestream) if codestream.startswith(b"\xff\xd8") else None
    return None if place is None else (codestream[place + 1], codestream[place + 4])


def jpeg2000_bits(codestream: bytes) -> int | None:
    """Return the bits a sample of a JPEG 2000 codestream or file; None for anything else."""
    start = codestream.find(b"\xff\x4f\xff\x51")
    is_one = start == 0 or (start > 0 and codestream[4:8] == b"jP  ")
    return (codestream[start + 42] & 0x7F) + 1 if is_one and len(codestream) > start + 42 else None


def codestream_samples(codestream: bytes) -> int | None:
    """Return the channels of a JPEG, JPEG-LS or JPEG 2000 codestream; None if it does not say."""
    start = codestream.find(b"\xff\x4f\xff\x51")
    if start == 0 or (start > 0 and codestream[4:8] == b"jP  "):
        return int.from_bytes(codestream[start + 40 : start + 42], "big")
    place = _frame_header(codestream) if codestream.startswith(b"\xff\xd8") else None
    return None if place is None else codestream[place + 9]


def is_endless(codestream: bytes) -> bool:
    """Return whether a JP2 file has a box shorter than its own header, which would loop forever."""
    if not codestream.startswith(_JP2):
        return False
    position = 12
    while position < len(codestream) and codestream[position + 4 : position + 8] != b"jp2c":
        length = int.from_bytes(codestream[position : position + 4], "big")
        if length < 8:
            return True
        position += length
    return False


def _jpeg_size(codestream: bytes) -> tuple[int, int] | None:
    place = _frame_header(codestream)
    if place is None:
        return None
    height, width = struct.unpack_from(">2H", codestream, place + 5)
    return width, height


def _frame_header(codestream: bytes) -> int | None:
    """Return where the frame header of a JPEG (SOF) begins."""
    position = 2
    while codestream[position : position + 1] == b"\xff" and position + 9 <= len(codestream):
        marker = codestream[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
            continue
        if marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            return position
        position += 2 + int.from_bytes(codestream[position + 2 : position + 4], "big")
    return None


def _is_bare_dicom(data: bytes) -> bool:
    """Return whether the bytes begin with an element of group 0002 or 0008, without a preamble."""
    if len(data) < 16 or data[:4] not in _first_tags(data):
        return False
    little_length = int.from_bytes(data[4:8], "little")
    return _VR.fullmatch(data[4:6]) is not None or (data[0] == 8 and little_length <= 64)


def _first_tags(data: bytes) -> tuple[bytes, ...]:
    element = max(data[2], data[3])
    if element > 0x70:
        return ()
    little = (b"\x02\0" + bytes((element, 0)), b"\x08\0" + bytes((element, 0)))
    return (*little, b"\0\x08\0" + bytes((element,)))


def _other_format(data: bytes) -> str | None:
    for offset, magic, what in _OTHERS:
        if data.startswith(magic, offset):
            return what
    if data[4:8] == b"ftyp":
        still = _STILL_BRANDS.get(data[8:12])
        return f"{still} picture" if still else "a video"
    if data[:4] == b"RIFF":
        return "a video" if data[8:12] == b"AVI " else "a sound recording"
    return _kind_of_text(data[:1024])


def _kind_of_text(head: bytes) -> str | None:
    try:
        text = head.decode("utf-8", errors="strict" if len(head) < 1024 else "ignore").lower()
    except UnicodeDecodeError:
        return None
    if "<svg" in text:
        return "an SVG drawing"
    if "<html" in text or "<!doctype html" in text:
        return "a web page"
    readable = sum(c.isprintable() or c.isspace() for c in text)
    return "text" if readable > 0.95 * len(head) else None
