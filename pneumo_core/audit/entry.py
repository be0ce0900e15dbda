"""An entry of the log: never a picture, a file's name or anything a film's header says."""

import getpass
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

__all__ = ["CANNOT_TELL", "DEEDS", "Deed", "Entry", "film_digest", "operator", "run_words"]

Deed: TypeAlias = Literal[
    "read",
    "called",
    "agreed",
    "overrode",
    "exported",
    "started",
    "cancelled",
    "resumed",
    "renamed",
    "deleted",
    "added",
]

DEEDS: Mapping[Deed, str] = MappingProxyType(
    {
        "read": "a checkpoint's answer on a film was asked for",
        "called": "a reader called a film before a checkpoint's answer was shown",
        "agreed": "a reader who had called a film took the checkpoint's answer",
        "overrode": "a reader who had called a film decided against the checkpoint's answer",
        "exported": "a result was taken away",
        "started": "a training run was started",
        "cancelled": "a training run was cancelled",
        "resumed": "a training run was resumed",
        "renamed": "a training run, and what it published, got another name",
        "deleted": "a run, a checkpoint or a dataset was deleted",
        "added": "a dataset was added",
    }
)
"""What can be done that the log remembers, and what each means."""

CANNOT_TELL = "can't tell"
"""The ``result`` of a reader who called a film neither NORMAL nor PNEUMONIA."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What somebody did.

    ``film``: SHA-256 of the file's bytes, 64 hexadecimal digits. ``checkpoint`` and ``version``
    say who answered, ``operating_point`` and ``threshold`` at what; ``result`` is NORMAL,
    PNEUMONIA, refused, failed or CANNOT_TELL, ``probability`` that of pneumonia in [0, 1].
    ``subject`` names the run, dataset or form of export that it was done to, or how a film was
    rotated before it was read, ``reason`` why, in at
    most 500 characters, and ``seconds`` how long it took. What does not belong to a deed is None.
    """

    who: str
    deed: Deed
    film: str | None = None
    checkpoint: str | None = None
    version: str | None = None
    operating_point: str | None = None
    threshold: float | None = None
    result: str | None = None
    probability: float | None = None
    subject: str | None = None
    reason: str | None = None
    seconds: float | None = None


def film_digest(source: Path | bytes) -> str:
    """SHA-256 of a film's file, by which the log calls it. Raises OSError for one that is gone."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run_words(name: str, *, checkpoint: bool) -> str:
    """What was deleted with a run, as an entry's ``subject``."""
    return f"run {name}{' and its checkpoint' if checkpoint else ''}"


def operator() -> str:
    """Who is at the command line, by the operating system's name for them."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        name = "somebody"
    return f"{name} (command line)"
