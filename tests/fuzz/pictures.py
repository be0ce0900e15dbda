"""Mutations of PNG, JPEG and TIFF that leave the rest of the file readable."""

import random
import struct
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Literal

from tests.fuzz.values import number, wild

__all__ = ["JPEG", "PNG", "TIFF", "packed_png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NAMES = (b"tRNS", b"PLTE", b"acTL", b"fcTL", b"iCCP", b"zTXt", b"iTXt", b"eXIf", b"gAMA", b"pHYs")
_TYPES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_TAGS = (256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325,
         330, 338, 339, 347, 529, 530, 700, 34665, 34675)  # fmt: skip

_LARGEST = 4_000_000
"""Bytes that pieces are repeated to; repeated again and again, they would fill the memory."""

Chunk = tuple[bytes, bytes]


def _chunks(data: bytes) -> list[Chunk]:
    chunks, at = [], 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return chunks


def _png(chunks: list[Chunk]) -> bytes:
    """A PNG of these chunks, with right lengths and checksums."""
    parts = [
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    ]
    return _SIGNATURE + b"".join(parts)


def _png_header(data: bytes, random_: random.Random) -> bytes:
    chunks = _chunks(data)
    if not chunks or len(chunks[0][1]) < 13:
        return data
    header = bytearray(chunks[0][1])
    if random_.random() < 0.5:
        at = random_.choice((0, 4))
        header[at : at + 4] = number(random_, 4, "big")
    else:
        header[random_.randrange(8, 13)] = random_.choice((0, 1, 2, 3, 4, 6, 8, 16, 32, 255))
    return _png([(chunks[0][0], bytes(header)), *chunks[1:]])


def _png_chunk(data: bytes, random_: random.Random) -> bytes:
    chunks = _chunks(data)
    if not chunks:
        return data
    which = random_.randrange(len(chunks))
    name, body = chunks[which]
    bent = bytearray(body)
    for _ in range(random_.choice((1, 4, 30)) if bent else 0):
        bent[random_.randrange(len(bent))] = random_.randrange(256)
    chunks[which] = name, bytes(bent)
    return _png(chunks)


def _png_order(data: bytes, random_: random.Random) -> bytes:
    chunks = _chunks(data)
    if not chunks:
        return data
    act = random_.randrange(3)
    taken = chunks.pop(random_.randrange(len(chunks)))
    if act:
        for _ in range(act):
            chunks.insert(random_.randrange(len(chunks) + 1), taken)
    return _png(chunks)


def _png_insert(data: bytes, random_: random.Random) -> bytes:
    chunks = _chunks(data)
    name = random_.choice(_NAMES)
    body = random_.choice((b"", random_.randbytes(40), b"x\0\0" + _zeros()))
    at = random_.randrange(1, len(chunks) + 1) if chunks else 0
    return _png([*chunks[:at], (name, body), *chunks[at:]])


@cache
def _zeros() -> bytes:
    """3 MB of zeros, packed."""
    return zlib.compress(bytes(3_000_000))


def _png_pieces(data: bytes, random_: random.Random) -> bytes:
    """Hundreds of thousands of empty chunks before one that is there."""
    name = random_.choice((b"IDAT", b"tEXt", b"teSt"))
    piece = bytes(4) + name + struct.pack(">I", zlib.crc32(name))
    at = random_.choice((33, max(33, data.find(b"IDAT") - 4)))
    return data[:at] + _many(piece, 300_000) + data[at:]


def _png_bomb(data: bytes, random_: random.Random) -> bytes:
    """As large as is allowed, or a little more, and all of it there."""
    width, height = random_.choice(((2000, 2000), (200, 60_000), (70_000, 90), (4000, 3000)))
    depth, colour = random_.choice(((8, 0), (16, 0), (8, 2), (8, 6), (16, 6), (16, 4), (1, 0)))
    return packed_png(width, height, depth, colour)


@cache
def packed_png(width: int, height: int, depth: int, colour: int) -> bytes:
    """A black PNG, which is small whatever its size; ``colour`` as in its header."""
    samples = {0: 1, 2: 3, 6: 4, 4: 2}[colour]
    row = bytes(1 + (width * depth * samples + 7) // 8)
    packer = zlib.compressobj(1)
    packed = b"".join(packer.compress(row) for _ in range(height))
    header = struct.pack(">2I5B", width, height, depth, colour, 0, 0, 0)
    return _png([(b"IHDR", header), (b"IDAT", packed + packer.flush()), (b"IEND", b"")])


PNG = {
    "header": _png_header,
    "chunk": _png_chunk,
    "chunk order": _png_order,
    "new chunk": _png_insert,
    "bomb": _png_bomb,
    "pieces": _png_pieces,
}


def _segments(data: bytes) -> list[tuple[int, int]]:
    """(start, end) of each marker segment up to the first scan's header."""
    found, at = [], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        found.append((at, end))
        if data[at + 1] == 0xDA:
            break
        at = end
    return found


def _jpeg_frame(data: bytes, random_: random.Random) -> bytes:
    """Another height, width, depth, number of components or sampling in the frame's header."""
    for start, end in _segments(data):
        if data[start + 1] in (0xC0, 0xC1, 0xC2) and end <= len(data):
            if random_.random() < 0.6:
                at, new = start + random_.choice((5, 7)), number(random_, 2, "big")
            else:
                at = random_.randrange(start + 4, max(start + 5, end))
                new = number(random_, 1, "big")
            return data[:at] + new + data[at + len(new) :]
    return data


def _jpeg_segment(data: bytes, random_: random.Random) -> bytes:
    segments = _segments(data)
    if not segments:
        return data
    start, end = random_.choice(segments)
    match random_.randrange(5):
        case 0:
            return data[: start + 2] + number(random_, 2, "big") + data[start + 4 :]
        case 1:
            return data[:start] + data[end:]
        case 2:
            return data[:start] + data[start:end] * random_.choice((2, 3, 200)) + data[end:]
        case 3:
            return data[: start + 1] + bytes([random_.randrange(0xC0, 0xFF)]) + data[start + 2 :]
        case _:
            at = random_.randrange(start, max(start + 1, min(end, len(data))))
            return data[:at] + random_.randbytes(2) + data[at + 2 :]


def _jpeg_insert(data: bytes, random_: random.Random) -> bytes:
    body = random_.choice(
        (
            b"Exif\0\0II*\0" + number(random_, 4, "little") + random_.randbytes(40),
            b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01"
            + bytes([0, random_.randrange(12)])
            + bytes(6),
            b"Adobe" + random_.randbytes(7),
            b"MPF\0II*\0\x08\0\0\0" + random_.randbytes(60),
            b"ICC_PROFILE\0" + random_.randbytes(60),
            random_.randbytes(8),
        )
    )
    marker = random_.choice((0xE0, 0xE1, 0xE2, 0xEE, 0xFE, 0xDD, 0xDB, 0xC4))
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + data[2:]


def _jpeg_scans(data: bytes, random_: random.Random) -> bytes:
    """The same scan many times over: each is decoded over the whole picture."""
    segments = _segments(data)
    if not segments or data[segments[-1][0] + 1] != 0xDA:
        return data
    start = segments[-1][0]
    end = data.rfind(b"\xff\xd9")
    return data[:end] + _many(data[start:end], random_.choice((1, 30, 500, 5000))) + data[end:]


def _many(piece: bytes, times: int) -> bytes:
    return piece * min(times, _LARGEST // max(1, len(piece)))


def _jpeg_pieces(data: bytes, random_: random.Random) -> bytes:
    """A million segments, or filling, before the picture or behind its last scan."""
    at = random_.choice((2, max(2, data.rfind(b"\xff\xd9"))))
    piece = random_.choice((b"\xff\xe0\0\2", b"\xff\xfe\0\2", b"\xff"))
    return data[:at] + _many(piece, 1_000_000) + data[at:]


JPEG = {
    "frame": _jpeg_frame,
    "segment": _jpeg_segment,
    "new segment": _jpeg_insert,
    "scans": _jpeg_scans,
    "pieces": _jpeg_pieces,
}


def _order(data: bytes) -> Literal["big", "little"]:
    return "big" if data[:2] == b"MM" else "little"


def _entries(data: bytes) -> Iterator[int]:
    """Where each entry of the first directory begins."""
    order = _order(data)
    start = int.from_bytes(data[4:8], order)
    count = int.from_bytes(data[start : start + 2], order)
    for entry in range(min(count, 100)):
        at = start + 2 + 12 * entry
        if at + 12 <= len(data):
            yield at


def _tiff_entry(data: bytes, random_: random.Random) -> bytes:
    """Another tag, type, count or value in an entry."""
    entries = list(_entries(data))
    if not entries:
        return data
    at, order = random_.choice(entries), _order(data)
    match random_.randrange(4):
        case 0:
            new, at = random_.choice(_TAGS).to_bytes(2, order), at + 0
        case 1:
            new, at = random_.choice((0, *_TYPES, 13, 16, 99)).to_bytes(2, order), at + 2
        case 2:
            new, at = number(random_, 4, order), at + 4
        case _:
            value = wild(random_) & 0xFFFFFFFF
            short = order == "big" and data[at + 2 : at + 4] == b"\0\x03"
            new = (value & 0xFFFF).to_bytes(2, "big") + b"\0\0" if short else b""
            new, at = new or value.to_bytes(4, order), at + 8
    return data[:at] + new + data[at + len(new) :]


def _tiff_compression(data: bytes, random_: random.Random) -> bytes:
    """Another compression, photometric interpretation or number of samples, of those there are."""
    order = _order(data)
    known = {259: (1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34712, 34925, 50000, 50001),
             262: (0, 1, 2, 3, 4, 5, 6, 8), 258: (1, 2, 4, 8, 12, 16, 32, 64),
             277: (1, 2, 3, 4, 5, 255), 339: (1, 2, 3, 4), 317: (1, 2, 3), 284: (1, 2)}  # fmt: skip
    for at in _entries(data):
        tag = int.from_bytes(data[at : at + 2], order)
        if tag in known and random_.random() < 0.3:
            value = random_.choice(known[tag]).to_bytes(2, order)
            return data[: at + 8] + value + data[at + 10 :]
    return data


def _tiff_directory(data: bytes, random_: random.Random) -> bytes:
    """Another place of the first directory, or of the one behind it, which may be itself."""
    order = _order(data)
    start = int.from_bytes(data[4:8], order)
    if random_.random() < 0.5:
        return data[:4] + number(random_, 4, order) + data[8:]
    count = int.from_bytes(data[start : start + 2], order)
    at = start + 2 + 12 * count
    return (
        data[:at]
        + random_.choice((start, wild(random_) % 2**32)).to_bytes(4, order)
        + data[at + 4 :]
    )


TIFF = {
    "entry": _tiff_entry,
    "directory": _tiff_directory,
    "compression": _tiff_compression,
}
