"""Causes and remedies of database errors, for the administrator."""

import errno
import re

__all__ = ["clause_of", "remedy_for"]

_ANOTHER = "set PNEUMO_AUDIT to another database."

_REMEDIES = (
    (r"disk is full|no space left|disk quota|could not extend", "Free some space, or"),
    (r"is locked|deadlock|lock timeout", "Wait for the other program that is writing to it, or"),
    (r"not a database|malformed|corrupt", "Restore it from a backup, or"),
    (
        r"readonly|read-only|permission denied|must be owner|insufficient privilege",
        "Give the account that runs Pneumo the right to write to it, or",
    ),
    (
        r"authentication failed|no password|role .* does not exist",
        "Check the name and password, or",
    ),
    (
        r"connection|connect to|could not translate|resolve|timeout|terminat|closed",
        "Check that the database server runs and that its address is right, or",
    ),
)
"""Patterns of causes and the first part of the remedy; the first match counts."""

_LONGEST = 300


def clause_of(cause: BaseException) -> str:
    """Return the database's own message: one line without its full stop."""
    if isinstance(cause, ImportError):
        return f"the Python package '{cause.name}', which connects to that database, is missing"
    said = " ".join(str(cause).split()) or type(cause).__name__
    return said[:_LONGEST].rstrip(". ")


def remedy_for(cause: BaseException) -> str:
    """Return the remedy as an imperative sentence."""
    if isinstance(cause, ImportError):
        return f"Install it (for PostgreSQL: pip install 'pneumo[postgresql]'), or {_ANOTHER}"
    if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"Free some space, or {_ANOTHER}"
    for sound, first in _REMEDIES:
        if re.search(sound, str(cause), re.IGNORECASE):
            return f"{first} {_ANOTHER}"
    return f"Repair the database, or {_ANOTHER}"
