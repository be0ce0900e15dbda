"""Mutations of DICOM files: values, lengths and sequences of the elements that are read."""

import random
import struct

from tests.fuzz.values import number

__all__ = ["DICOM"]

_NUMBERS = (0x0002, 0x0003, 0x0004, 0x0006, 0x0008, 0x0010, 0x0011, 0x0100, 0x0101, 0x0102, 0x0103,
            0x1050, 0x1051, 0x1052, 0x1053, 0x1056,
            0x1101, 0x1102, 0x1103, 0x1201, 0x3000, 0x3010)  # fmt: skip
_TEXTS = (b"MONOCHROME1", b"PALETTE COLOR", b"YBR_FULL", b"YBR_ICT", b"RGB", b"1e308", b"-1e308",
          b"nan", b"inf", b"-0", b"\\\\\\", b"1\\2\\3",
          b"\xff\xfe", b"CHEST", b"SIGMOID", b"999999999999")  # fmt: skip
_SYNTAXES = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99",
             "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50",
             "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80",
             "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
             "1.2.840.10008.1.2.4.201")  # fmt: skip
_LARGEST = 1_000_000
"""Bytes of a film to which pieces are added; repeated again, they would fill the memory."""
_LONG = (b"OB", b"OW", b"SQ", b"UN", b"UT", b"OF", b"OD")


def _found(data: bytes, tag: bytes) -> tuple[int, int, int] | None:
    """(start, where its length lies, bytes of that) of an element, told explicitly or not."""
    at = data.find(tag, 132)
    if at < 0:
        return None
    vr = data[at + 4 : at + 6]
    if vr in _LONG:
        return at, at + 8, 4
    return (at, at + 6, 2) if vr.isalpha() and vr.isupper() else (at, at + 4, 4)


def _tag(random_: random.Random) -> bytes:
    if random_.random() < 0.15:
        return b"\xe0\x7f\x10\0"  # Pixel Data
    return struct.pack("<2H", 0x0028, random_.choice(_NUMBERS))


def _value(data: bytes, random_: random.Random) -> bytes:
    """A wild number or text as the value of an element that is there."""
    place = _found(data, _tag(random_))
    if place is None:
        return data
    _, at, wide = place
    size = int.from_bytes(data[at : at + wide], "little")
    start = at + wide
    if size in (2, 4) and random_.random() < 0.8:
        return data[:start] + number(random_, size, "little") + data[start + size :]
    text = random_.choice(_TEXTS)
    text += b" " * (len(text) % 2)
    return data[:at] + len(text).to_bytes(wide, "little") + text + data[start + size :]


def _length(data: bytes, random_: random.Random) -> bytes:
    place = _found(data, _tag(random_))
    if place is None:
        return data
    _, at, wide = place
    return data[:at] + number(random_, wide, "little") + data[at + wide :]


def _representation(data: bytes, random_: random.Random) -> bytes:
    place = _found(data, _tag(random_))
    if place is None:
        return data
    vr = random_.choice(
        (b"US", b"SS", b"SQ", b"OB", b"OW", b"UN", b"DS", b"IS", b"CS", b"FD", b"??")
    )
    return data[: place[0] + 4] + vr + data[place[0] + 6 :]


def _insert(data: bytes, random_: random.Random) -> bytes:
    """An element more, before the pixels."""
    at = data.find(b"\xe0\x7f\x10\0", 132)
    text = random_.choice(_TEXTS)
    text += b" " * (len(text) % 2)
    element = _tag(random_) + random_.choice((b"US", b"DS", b"CS", b"IS", b"LO"))
    return data[:at] + element + struct.pack("<H", len(text)) + text + data[at:] if at > 0 else data


def _nest(data: bytes, random_: random.Random) -> bytes:
    """A lookup table in a lookup table in a lookup table …"""
    at = data.find(b"\xe0\x7f\x10\0", 132)
    if at < 0:
        return data
    tag = random_.choice((b"\x28\0\x10\x30", b"\x28\0\0\x30", b"\x08\0\x40\x11"))
    depth = random_.choice((1, 3, 50, 500, 5000))
    opening = tag + b"SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\0\xe0\xff\xff\xff\xff"
    closing = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    closed = closing * random_.choice((depth, depth, depth // 2, 0))
    return data[:at] + opening * depth + closed + data[at:]


def _pieces(data: bytes, random_: random.Random) -> bytes:
    """Hundreds of thousands of items, fragments or elements, or a text of as many numbers."""
    at = data.find(b"\xe0\x7f\x10\0", 132)
    if at < 0 or len(data) > _LARGEST:
        return data
    items = b"\xfe\xff\0\xe0\0\0\0\0" * 300_000
    fragments = max(at, data.rfind(b"\xfe\xff\xdd\xe0"))
    match random_.randrange(4):
        case 0:
            return data[:fragments] + items + data[fragments:]
        case 1:
            return data[:at] + b"\x29\0\1\x10LO\0\0" * 300_000 + data[at:]
        case 2:
            text = b"1\\" * 1_000_000
            opening = _tag(random_) + b"UN\0\0" + struct.pack("<I", len(text))
            return data[:at] + opening + text + data[at:]
    tag = random_.choice((b"\x28\0\x10\x30", b"\x28\0\0\x30", b"\x29\0\x40\x11"))
    opening, closing = tag + b"SQ\0\0\xff\xff\xff\xff", b"\xfe\xff\xdd\xe0\0\0\0\0"
    return data[:at] + opening + items + closing + data[at:]


def _syntax(data: bytes, random_: random.Random) -> bytes:
    """Another transfer syntax than the one it was written with."""
    at = data.find(b"\x02\0\x10\0UI", 132)
    if at < 0:
        return data
    size = int.from_bytes(data[at + 6 : at + 8], "little")
    uid = random_.choice(_SYNTAXES).encode()
    uid += b"\0" * (len(uid) % 2)
    return data[: at + 6] + struct.pack("<H", len(uid)) + uid + data[at + 8 + size :]


def _codestream(data: bytes, random_: random.Random) -> bytes:
    """Damage within the pixels' first bytes, where a codestream's own header lies."""
    at = data.find(b"\xe0\x7f\x10\0", 132)
    if at < 0:
        return data
    out = bytearray(data)
    for _ in range(random_.choice((1, 2, 6))):
        place = at + random_.randrange(random_.choice((60, 200, 2000)))
        if place < len(out):
            out[place] = random_.choice((0, 1, 0x7F, 0xFF, random_.randrange(256)))
    return bytes(out)


DICOM = {
    "value": _value,
    "length": _length,
    "representation": _representation,
    "new element": _insert,
    "nest": _nest,
    "syntax": _syntax,
    "codestream": _codestream,
    "pieces": _pieces,
}
