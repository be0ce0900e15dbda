"""Interpretation of a server's response to a range request."""

import re
from dataclasses import dataclass

import requests

__all__ = ["Answer", "Busy", "Changed", "Refused", "read_answer"]

_TRY_AGAIN = {408, 425, 429, 500, 502, 503, 504}


class Refused(Exception):
    """The server refuses the file or sends another one; retrying is pointless."""


class Busy(Exception):
    """The server can't send the file now; a retry may succeed."""


class Changed(Exception):
    """The file on the server has changed since the download began."""


@dataclass(frozen=True)
class Answer:
    """Bytes follow that belong at ``start``; ``mark`` names the file's state on the server."""

    start: int
    mark: str


def read_answer(response: requests.Response, there: int, mark: str, size: int) -> Answer:
    """Return what the response's bytes are.

    ``there``: bytes that have arrived, of a file with that ``mark``; ``size``: what the whole file
    must have. Raises Refused, Busy or Changed.
    """
    status = response.status_code
    if status == 416:
        raise Changed
    if status not in (200, 206):
        kind = Busy if status in _TRY_AGAIN else Refused
        raise kind(f"the server answers {status} ({response.reason or 'without a reason'})")
    found = response.headers.get("ETag") or response.headers.get("Last-Modified") or ""
    if status == 200:
        _check_size(_length(response), size)
        return Answer(0, found)
    start, total = _range(response)
    if start != there or (mark and found and found != mark):
        raise Changed
    _check_size(total, size)
    return Answer(there, found or mark)


def _length(response: requests.Response) -> int | None:
    told = response.headers.get("Content-Length", "")
    return int(told) if told.isdecimal() else None


def _range(response: requests.Response) -> tuple[int, int | None]:
    """Return where the part begins and how long the whole is, as the server says."""
    told = response.headers.get("Content-Range", "")
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", told.strip())
    if match is None:
        raise Changed
    return int(match[1]), None if match[3] == "*" else int(match[3])


def _check_size(told: int | None, size: int) -> None:
    if told is not None and told != size:
        raise Refused(
            f"the server announces {told} bytes where the file has {size}; it may be a page that "
            "asks for a login, or another file"
        )
