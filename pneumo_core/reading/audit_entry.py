"""Log entries of results."""

from pneumo_core.audit import Entry
from pneumo_core.gate.orientation import rotation_text
from pneumo_core.reading.reader import Reading

__all__ = ["entry_of"]


def entry_of(reading: Reading, film: str, who: str) -> Entry:
    """Return the log entry of a result: user, SHA-256 and answer, never a file name."""
    return Entry(
        who=who,
        deed="read",
        film=film,
        checkpoint=reading.model,
        version=reading.version,
        operating_point=reading.operating_point,
        threshold=reading.threshold,
        result=reading.predicted_name or reading.status,
        probability=reading.probability,
        subject=f"rotated by {rotation_text(reading.rotated)}" if reading.rotated else None,
    )
