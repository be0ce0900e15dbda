"""Bounds on how many pieces a film is made of, before a decoder takes them one by one.

Files within every other limit can hold millions of chunks, segments or elements, which would
keep a decoder busy for minutes. Nothing that writes films comes near what is allowed here.
"""

import re
from io import BufferedReader, BytesIO

from pneumo_core.imaging.refusal import SEND_AGAIN, Refusal

MOST_FRAGMENTS = 100_000
"""Fragments of the pixels of a DICOM film; they are one or a few."""

_MOST_READS = 250_000
"""A PNG of 64 MB in chunks of 1 KB takes 200,000."""
_MOST_MARKERS = 100_000
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
_MARKER_IN_SCAN = re.compile(rb"\xff([\xc0-\xcf\xd8-\xfe])", re.DOTALL)
"""Without restarts, of which there may be one a block, and what is data to one codec or another."""
_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_FILL = b"\xff" * (1 << 16)
"""More than a segment holds. What fills the space before a marker is read anew with each block."""
_BARE = (0x01, _START)
"""Markers without a length: TEM and the start of the picture."""


_MANY_SCANS = 20
"""More than any program writes into a progressive JPEG."""
_SCANNED = 200_000_000
"""Pixels, all scans together, that are decoded in some seconds nevertheless."""


class CountedBytes(BytesIO):
    """Bytes as a file that may be read so many times: decoders in Python do it once a piece."""

    _left = _MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """Like any file's, up to the limit. Raises Refusal."""
        self._left = _one_less(self._left)
        return super().read(size)


class CountedFile(BufferedReader):
    """The same of a file on disk."""

    _left = _MOST_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """Like any file's, up to the limit. Raises Refusal."""
        self._left = _one_less(self._left)
        return super().read(size)


def _one_less(left: int) -> int:
    if left == 0:
        raise Refusal("it is damaged: it is made of too many pieces", SEND_AGAIN)
    return left - 1


def refuse_markers(codestream: bytes) -> None:
    """Refuse a JPEG of too many segments, or with more filling than they hold."""
    if codestream.find(_FILL, 0, _end_of(codestream)) >= 0:
        raise Refusal("it is damaged: it holds nothing but filling", SEND_AGAIN)


def refuse_scans(jpeg: bytes, pixels: int) -> None:
    """Refuse a JPEG with so many scans, each over the whole picture, that it would take minutes.

    What lies behind the picture counts for nothing: a phone keeps a video there.
    """
    if not jpeg.startswith(b"\xff\xd8"):
        return
    # Within a scan, FF is followed by another byte.
    scans = jpeg.count(b"\xff\xda", 0, _end_of(jpeg))
    if scans > _MANY_SCANS and scans * pixels > _SCANNED:
        raise Refusal(f"it is damaged: it draws its picture {scans} times over", SEND_AGAIN)


def _end_of(codestream: bytes) -> int:
    """Where a JPEG's picture ends, by its segments. Raises Refusal for too many."""
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
    raise Refusal("it is damaged: it is made of too many pieces", SEND_AGAIN)
