"""Read first, as data: a reader's own call of a film comes before any checkpoint's answer.

Nothing here knows Streamlit. It belongs to one visitor's worklist.
"""

from dataclasses import dataclass, field

from pneumo_core.audit import CANNOT_TELL
from pneumo_core.datasets import LABELS, NORMAL, PNEUMONIA
from pneumo_core.reading import Reading

__all__ = ["Answer", "Call", "Decision", "OwnCalls", "answer_of"]

Answer = tuple[str, str, str, float]
"""What a decision is about: a film's key, a checkpoint, its version and the threshold."""


@dataclass(frozen=True)
class Call:
    """What a reader called a film, None for neither, and how long that took."""

    label: int | None
    seconds: float

    @property
    def word(self) -> str:
        """NORMAL, PNEUMONIA, or that they couldn't tell; as the log has it."""
        return CANNOT_TELL if self.label is None else LABELS[self.label]


@dataclass(frozen=True)
class Decision:
    """What a reader made of an answer: ``label`` is the film's in the end."""

    agreed: bool
    label: int
    reason: str = ""

    @classmethod
    def to_agree(cls, reading: Reading) -> "Decision":
        """The answer stands."""
        return cls(True, PNEUMONIA if reading.predicted == PNEUMONIA else NORMAL)

    @classmethod
    def to_override(cls, reading: Reading, reason: str) -> "Decision":
        """The answer does not stand, for a reason."""
        return cls(False, NORMAL if reading.predicted == PNEUMONIA else PNEUMONIA, reason)


@dataclass
class OwnCalls:
    """One visitor's own calls. ``told``: keys of the films an answer on which was shown to them.

    ``wanted``: they want to call films before they see an answer. ``trouble``: the film whose last
    call or decision was not kept, and why.
    """

    wanted: bool = False
    told: set[str] = field(default_factory=set)
    calls: dict[str, Call] = field(default_factory=dict)
    decisions: dict[Answer, Decision] = field(default_factory=dict)
    trouble: tuple[str, str] = ("", "")
    looked: dict[str, float] = field(default_factory=dict)
    looking: tuple[str | None, float] = (None, 0.0)

    def hides(self, key: str) -> bool:
        """Whether no answer on a film may be shown yet."""
        return self.wanted and key not in self.told and key not in self.calls

    def look(self, key: str | None, now: float) -> None:
        """From now on, in seconds of any clock, this film is on the screen, or none that counts."""
        before, since = self.looking
        if before == key:
            return
        if before is not None:
            self.looked[before] = self.looked.get(before, 0.0) + now - since
        self.looking = (key, now)

    def seconds(self, key: str, now: float) -> float:
        """How long a film has been on the screen so far."""
        on_screen, since = self.looking
        return self.looked.get(key, 0.0) + (now - since if on_screen == key else 0.0)

    def undecide(self, answer: Answer) -> None:
        """Ask for a decision again; the log keeps the one before it."""
        self.decisions.pop(answer, None)

    def forget(self, key: str) -> None:
        """Forget what was called and decided. That an answer was seen can't be forgotten."""
        self.calls.pop(key, None)
        self.looked.pop(key, None)
        self.decisions = {
            answer: made for answer, made in self.decisions.items() if answer[0] != key
        }


def answer_of(key: str, reading: Reading) -> Answer:
    """What a decision on a film's reading is about."""
    return key, reading.model, reading.version, reading.threshold
