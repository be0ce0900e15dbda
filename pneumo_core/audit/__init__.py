"""The audit log (append-only), roles, and the reader study.

The log needs SQLAlchemy, which is imported on first use.
"""

from typing import TYPE_CHECKING

from pneumo_core.audit.entry import (
    CANNOT_TELL,
    CONFIDENCE,
    DEEDS,
    Deed,
    Entry,
    image_digest,
    operator,
    run_words,
)
from pneumo_core.core.lazy import lazy_names

if TYPE_CHECKING:
    from pneumo_core.audit.grouped import entries_of, group_by_image
    from pneumo_core.audit.log import AuditLog, open_log

__all__ = [
    "CANNOT_TELL",
    "CONFIDENCE",
    "DEEDS",
    "AuditLog",
    "Deed",
    "Entry",
    "entries_of",
    "group_by_image",
    "image_digest",
    "open_log",
    "operator",
    "run_words",
]

_MODULES = {"grouped": ("entries_of", "group_by_image"), "log": ("AuditLog", "open_log")}

__getattr__, __dir__ = lazy_names(__name__, _MODULES)
