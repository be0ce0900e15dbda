"""Text for pages: escaping, durations, counts, and whether models agree."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pneumo_core.core.files import printable
from pneumo_core.core.text import x_rays

if TYPE_CHECKING:
    from pneumo_core.reading import Reading

__all__ = [
    "agreement_text",
    "count_text",
    "disagree",
    "duration_text",
    "plain",
    "tally",
    "time_left_text",
    "x_rays",
]

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:])")


_LEVELS = ("likely", "uncertain", "unlikely")
_STATUSES = ("to be called by you", "read", "refused", "failed", "waiting")


def plain(text: str) -> str:
    """Escape text so that Streamlit's Markdown shows it literally."""
    return _MARKDOWN.sub(r"\\\1", " ".join(printable(text).split()))


def count_text(statuses: Sequence[str]) -> str:
    """Return the status counts of a batch: "3 X-rays: 2 read, 1 failed"."""
    counts = [(statuses.count(each), each) for each in _STATUSES]
    told = ", ".join(f"{n:,} {each}" for n, each in counts if n)
    return f"{x_rays(len(statuses))}: {told}"


def time_left_text(done: int, total: int, seconds: float) -> str:
    """Return the progress of a batch with the time left: "57 of 200, about 12 s left"."""
    told = f"{done:,} of {total:,}"
    if not done or seconds <= 0:
        return told
    left = duration_text(seconds / done * (total - done))
    return f"{told}, about {left} left ({done / seconds:.1f} a second)"


def file_stem(model: str) -> str:
    """Begin the name of a file about a model: "pneumo-cnn_94", and "pneumo" for the default."""
    return model if model == "pneumo" else f"pneumo-{model}"


def duration_text(seconds: float) -> str:
    """Return a rounded duration: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    if seconds < 100 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def tally(opinions: Sequence["Reading"]) -> str:
    """Return the counts of results, "2 likely, 1 uncertain"; "" for fewer than two models."""
    levels = [str(each.level) for each in opinions if each.level]
    if len(levels) < 2:
        return ""
    counts = [(levels.count(level), level) for level in _LEVELS]
    return ", ".join(f"{n} {level}" for n, level in counts if n)


def agreement_text(opinions: Sequence["Reading"]) -> str:
    """Return a sentence on whether the models agree, each at its own operating point.

    They disagree only if one says likely and another unlikely; uncertain counts as neither.
    """
    counts = tally(opinions)
    if not counts:
        return ""
    if disagree(opinions):
        return f"The models disagree: {counts}."
    levels = [each.level for each in opinions if each.level]
    if len(set(levels)) > 1:
        return f"The models: {counts}."
    everyone = "Both models" if len(levels) == 2 else f"All {len(levels)} models"
    return f"{everyone}: {levels[0]}."


def disagree(opinions: Sequence["Reading"]) -> bool:
    """Return whether one model says likely and another says unlikely."""
    return {"likely", "unlikely"} <= {each.level for each in opinions}
