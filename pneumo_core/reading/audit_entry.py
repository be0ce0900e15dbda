"""Log entries of results."""

from collections.abc import Mapping
from typing import Any

from pneumo_core.audit import Entry
from pneumo_core.core.labels import LABELS
from pneumo_core.imaging.orientation import rotation_text
from pneumo_core.reading.reader import Reading

__all__ = ["entry_of", "entry_of_row"]


def entry_of(reading: Reading, film: str, who: str) -> Entry:
    """Return the log entry of a result: user, SHA-256 and answer, never a file name."""
    return entry_of_row(reading.to_dict() | {"digest": film}, who)


def entry_of_row(row: Mapping[str, Any], who: str) -> Entry:
    """Return the log entry of a result's plain values and ``digest``, the SHA-256 of its file."""
    quarters = (row["rotated_left_degrees"] or 0) // 90
    return Entry(
        who=who,
        deed="read",
        film=row["digest"],
        checkpoint=row["model"],
        version=row["version"],
        operating_point=row["operating_point"],
        threshold=row["threshold"],
        result=row["status"] if row["predicted"] is None else LABELS[row["predicted"]],
        probability=row["probability"],
        subject=f"rotated by {rotation_text(quarters)}" if quarters else None,
    )
