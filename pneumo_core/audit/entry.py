"""Entries of the log. They never contain images, file names or data from an X-ray's header."""

import getpass
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, TypeAlias

__all__ = [
    "CANNOT_TELL",
    "CONFIDENCE",
    "DEEDS",
    "Deed",
    "Entry",
    "image_digest",
    "operator",
    "run_words",
]

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
        "read": "a model's result for an X-ray was requested",
        "called": "a reader called an X-ray before a model's result was shown",
        "agreed": "a reader who had called an X-ray accepted the model's result",
        "overrode": "a reader who had called an X-ray overrode the model's result",
        "exported": "a result was exported",
        "started": "a training run was started",
        "cancelled": "a training run was cancelled",
        "resumed": "a training run was resumed",
        "renamed": "a training run and its model were renamed",
        "deleted": "a run, a model or a dataset was deleted",
        "added": "a dataset, or a model calibrated for a site, was added",
    }
)
"""Actions in the log, and their meaning."""

CANNOT_TELL = "can't tell"
"""The ``result`` when a reader called an X-ray neither NORMAL nor PNEUMONIA."""

CONFIDENCE: Mapping[int, str] = MappingProxyType(
    {
        1: "definitely normal",
        2: "probably normal",
        3: CANNOT_TELL,
        4: "probably pneumonia",
        5: "definitely pneumonia",
    }
)
"""The steps of a reader's confidence that an X-ray shows pneumonia, and their meaning."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One action in the log.

    ``film``: SHA-256 of the file's bytes, 64 hex digits. ``checkpoint`` and ``version``: the model,
    ``operating_point`` and ``threshold``: how it was applied; ``result``: NORMAL, PNEUMONIA,
    refused, failed or CANNOT_TELL; ``probability``: of pneumonia in [0, 1]. ``subject``: the run,
    dataset or export format, or how an X-ray was rotated before it was read; ``reason``: why, in at
    most 500 characters; ``seconds``: how long it took. ``confidence``: of a reader's call, one of
    CONFIDENCE; ``marks``: where the reader saw something, as fractions of width and height, such as
    "0.250 0.610; 0.700 0.580". Fields that don't apply are None.
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
    confidence: int | None = None
    marks: str | None = None


def image_digest(source: Path | bytes) -> str:
    """Return the SHA-256 of an X-ray's file, its id in the log. Raises OSError if missing."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def run_words(name: str, *, checkpoint: bool) -> str:
    """Return the ``subject`` of an entry for a deleted run."""
    return f"run {name}{' and its checkpoint' if checkpoint else ''}"


def operator() -> str:
    """Return the command line's user, by the operating system's account name."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        name = "somebody"
    return f"{name} (command line)"
