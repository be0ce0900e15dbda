"""Data of Read first: a reader's own calls, made before any result is shown.

This module does not import Streamlit. The data belong to one session's worklist.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from pneumo_core.audit import CANNOT_TELL, CONFIDENCE
from pneumo_core.datasets import LABELS, NORMAL, PNEUMONIA
from pneumo_core.reading import Reading

__all__ = ["Answer", "Call", "Decision", "Marks", "OwnCalls", "answer_of", "marks_of", "marks_text"]

Answer = tuple[str, str, str, float]
"""Identifies a result: key of the X-ray, checkpoint, version, threshold."""


Marks = tuple[tuple[float, float], ...]
"""Where the reader saw something: x and y as fractions of the X-ray's width and height."""

_MOST_MARKS = 20


@dataclass(frozen=True)
class Call:
    """A reader's call (None: could not tell) and the seconds it took.

    ``confidence``: a step of ``audit.CONFIDENCE``; None for calls made before there were steps.
    """

    label: int | None
    seconds: float
    confidence: int | None = None
    marks: Marks = ()

    @classmethod
    def at_step(cls, step: int, seconds: float, marks: Marks = ()) -> "Call":
        """Return the call of a step of confidence."""
        label = None if CONFIDENCE[step] == CANNOT_TELL else int(step > len(CONFIDENCE) / 2)
        return cls(label, seconds, step, marks)

    @property
    def word(self) -> str:
        """Return NORMAL, PNEUMONIA or "couldn't tell", as in the log."""
        return CANNOT_TELL if self.label is None else LABELS[self.label]


@dataclass(frozen=True)
class Decision:
    """A reader's decision about a result: ``label`` is their final call."""

    agreed: bool
    label: int
    reason: str = ""

    @classmethod
    def to_agree(cls, reading: Reading) -> "Decision":
        """Accept the result."""
        return cls(True, PNEUMONIA if reading.predicted == PNEUMONIA else NORMAL)

    @classmethod
    def to_override(cls, reading: Reading, reason: str) -> "Decision":
        """Override the result, for a reason."""
        return cls(False, NORMAL if reading.predicted == PNEUMONIA else PNEUMONIA, reason)


@dataclass
class OwnCalls:
    """Calls of one session. ``told``: keys of the X-rays whose result was shown.

    ``wanted``: Read first is on. ``trouble``: the X-ray whose last call or decision could not be
    recorded, and why. ``seed``: of the random order. ``marks``: on X-rays by key. ``looked_up``:
    keys of the X-rays whose earlier calls were searched for in the log.
    """

    wanted: bool = False
    told: set[str] = field(default_factory=set)
    calls: dict[str, Call] = field(default_factory=dict)
    decisions: dict[Answer, Decision] = field(default_factory=dict)
    trouble: tuple[str, str] = ("", "")
    looked: dict[str, float] = field(default_factory=dict)
    looking: tuple[str | None, float] = (None, 0.0)
    seed: int = 1
    marks: dict[str, Marks] = field(default_factory=dict)
    looked_up: set[str] = field(default_factory=set)

    def hides(self, key: str) -> bool:
        """Return whether the result must stay hidden."""
        return self.wanted and key not in self.told and key not in self.calls

    def place_of(self, key: str) -> str:
        """Return a key to sort by: a random order, the same for the same seed."""
        return hashlib.blake2b(f"{self.seed} {key}".encode(errors="replace")).hexdigest()

    def mark(self, key: str, points: Iterable[Iterable[float]]) -> None:
        """Replace the marks on an X-ray that waits for its call; points outside are left out."""
        pairs = [tuple(float(value) for value in point) for point in points]
        inside = [pair for pair in pairs if len(pair) == 2 and all(0 <= v <= 1 for v in pair)]
        self.marks[key] = tuple((x, y) for x, y in inside[:_MOST_MARKS])

    def look(self, key: str | None, now: float) -> None:
        """Start timing this X-ray, at ``now`` seconds of any clock; None stops."""
        before, since = self.looking
        if before == key:
            return
        if before is not None:
            self.looked[before] = self.looked.get(before, 0.0) + now - since
        self.looking = (key, now)

    def seconds(self, key: str, now: float) -> float:
        """Return the seconds that an X-ray has been on the screen."""
        on_screen, since = self.looking
        return self.looked.get(key, 0.0) + (now - since if on_screen == key else 0.0)

    def undecide(self, answer: Answer) -> None:
        """Ask for a new decision; the log keeps the previous one."""
        self.decisions.pop(answer, None)

    def forget(self, key: str) -> None:
        """Delete the call and the decision, but not the fact that the result was seen."""
        self.calls.pop(key, None)
        self.marks.pop(key, None)
        self.looked_up.discard(key)
        self.looked.pop(key, None)
        self.decisions = {
            answer: made for answer, made in self.decisions.items() if answer[0] != key
        }


def answer_of(key: str, reading: Reading) -> Answer:
    """Return what identifies a result."""
    return key, reading.model, reading.version, reading.threshold


def marks_text(marks: Marks) -> str | None:
    """Write marks as the log does; None without any."""
    return "; ".join(f"{x:.3f} {y:.3f}" for x, y in marks) or None


def marks_of(text: object) -> Marks:
    """Return the marks in an entry of the log; none for a missing value."""
    points = [each.split() for each in text.split(";")] if isinstance(text, str) else []
    return tuple((float(each[0]), float(each[1])) for each in points if len(each) == 2)
