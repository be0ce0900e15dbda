"""Limits on the number of pieces in a file, checked before a decoder processes them.

A small file can have millions of chunks, segments or elements, which would keep a decoder busy for
minutes. Real files are far below these limits.
"""

import re
from io import BufferedReader, BytesIO

from pneumo_core.imaging.refusal import EXPORT_AGAIN, Refusal

MOST_FRAGMENTS = 100_000
"""Most fragments of a DICOM file's pixels; normally one or a few."""

_MOST_READS = 250_000
"""A PNG of 64 MB in chunks of 1 KB takes 200,000."""
_MOST_MARKERS = 100_000
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
_MARKER_IN_SCAN = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])", re.DOTALL)
"""Without restart markers, and without bytes that are data to some codec."""
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_FILL = b"\xff" * (1 << 16)
"""More fill bytes than a segment can have; decoders read them again with each block."""
_BARE = (0x01, _START)
"""Markers without a length: TEM and SOI."""


_MANY_SCANS = 20
"""More scans than any program writes into a progressive JPEG."""
_SCANNED = 200_000_000
"""Pixels of all scans together that decode within seconds anyway."""


class CountedBytes(BytesIO):
    """Bytes as a file with a limited number of reads; Python decoders read once per piece."""

    _left = _MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file does, up to the limit of reads. Raises Refusal."""
        self._left = _one_less(self._left)
        return super().read(size)


class CountedFile(BufferedReader):
    """A file on disk with a limited number of reads."""

    _left = _MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file does, up to the limit of reads. Raises Refusal."""
        self._left = _one_less(self._left)
        return super().read(size)


def _one_less(left: int) -> int:
    if left == 0:
        raise Refusal("it is damaged: it is made of too many pieces", EXPORT_AGAIN)
    return left - 1


def refuse_markers(codestream: bytes) -> None:
    """Refuse a JPEG with too many segments or too many fill bytes."""
    if codestream.find(_FILL, 0, _end_of(codestream)) >= 0:
        raise Refusal("it is damaged: it has nothing but fill bytes", EXPORT_AGAIN)


def refuse_scans(jpeg: bytes, pixels: int) -> None:
    """Refuse a JPEG with so many scans over the whole picture that decoding would take minutes.

    Data after the picture doesn't count: phones store a video there.
    """
    if not jpeg.startswith(b"\xff\xd8"):
        return
    # Within a scan, FF is followed by another byte.
    scans = jpeg.count(b"\xff\xda", 0, _end_of(jpeg))
    if scans > _MANY_SCANS and scans * pixels > _SCANNED:
        raise Refusal(f"it is damaged: it has {scans} scans of the whole picture", EXPORT_AGAIN)


def _end_of(codestream: bytes) -> int:
    """Return where a JPEG's picture ends, by its segments. Raises Refusal for too many."""
    position, pattern = 2, _MARKER
    for _ in range(_MOST_MARKERS):
        found = pattern.search(codestream, position)
        if found is None:
            return len(codestream)
        marker, position = found[1][0], found.end()
        if marker == _END:
            return found.start()
        if marker == _SCAN:
            pattern = _MARKER_IN_SCAN
        if marker not in _BARE:
            position += int.from_bytes(codestream[position : position + 2], "big")
    raise Refusal("it is damaged: it is made of too many pieces", EXPORT_AGAIN)
