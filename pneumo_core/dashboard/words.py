"""How pages write what is not theirs."""

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pneumo_core.files import printable

if TYPE_CHECKING:
    from pneumo_core.reading import Reading

__all__ = [
    "agreement",
    "agreement_text",
    "count_text",
    "duration_text",
    "percent_text",
    "plain",
    "time_left_text",
]

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:])")


_STATUSES = ("to be called by you", "read", "refused", "failed", "waiting")


def plain(text: str) -> str:
    """Text that Streamlit's Markdown shows letter by letter, whatever a file is called."""
    return _MARKDOWN.sub(r"\\\1", " ".join(printable(text).split()))


def count_text(statuses: Sequence[str]) -> str:
    """How a batch went, by the status of each reading: "3 films: 2 read, 1 failed"."""
    films = "1 film" if len(statuses) == 1 else f"{len(statuses)} films"
    counts = [(statuses.count(each), each) for each in _STATUSES]
    return f"{films}: " + ", ".join(f"{n} {each}" for n, each in counts if n)


def time_left_text(done: int, total: int, seconds: float) -> str:
    """How far a batch is and how long it will take at its pace: "57 of 200, about 12 s left"."""
    told = f"{done} of {total}"
    if not done or seconds <= 0:
        return told
    left = duration_text(seconds / done * (total - done))
    return f"{told}, about {left} left ({done / seconds:.1f} a second)"


def duration_text(seconds: float) -> str:
    """About how long: "40 s", "12 min", "3.5 h"."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    if seconds < 100 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"


def agreement(opinions: Sequence["Reading"]) -> str:
    """How many models call a film the same, "2 of 3"; "" for fewer than two models."""
    called = [each.label for each in opinions if each.label is not None]
    if len(called) < 2:
        return ""
    return f"{max(map(called.count, called))} of {len(called)}"


def agreement_text(opinions: Sequence["Reading"]) -> str:
    """Whether the models agree, in a sentence; each at its own operating point."""
    read = [each for each in opinions if each.label is not None]
    if len(read) < 2:
        return ""
    sides = {label: [each.model for each in read if each.label == label] for label in (1, 0)}
    likely, unlikely = sides[1], sides[0]
    if not likely or not unlikely:
        which = "PNEUMONIA" if likely else "NORMAL"
        both = "Both models" if len(read) == 2 else f"All {len(read)} models"
        return f"{both} call this film {which}.{_close(read)}"
    return (
        f"The models disagree: {_and(likely)} {_call(likely)} this film PNEUMONIA, "
        f"{_and(unlikely)} {_call(unlikely)} it NORMAL.{_close(read)}"
    )


def percent_text(share: float) -> str:
    """A share in [0, 1] as a percentage with one digit, "not known" for NaN."""
    return "not known" if math.isnan(share) else f"{100 * share:.1f} %"


def _close(read: Sequence["Reading"]) -> str:
    """Who is uncertain, as a sentence after another one."""
    close = [each.model for each in read if each.verdict.startswith("Uncertain")]
    if not close:
        return ""
    if len(close) == len(read):
        return " Each is uncertain: close to its operating point."
    return f" Uncertain, close to the operating point: {_and(close)}."


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _call(names: Sequence[str]) -> str:
    return "calls" if len(names) == 1 else "call"
