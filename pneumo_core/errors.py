"""Pneumo's exceptions, as one tree. Each is also a built-in exception.

```text
PneumoError
├── UnreadableImage     ValueError       a file that can't become a Radiograph
├── DatasetError        ValueError       a folder or archive that can't become a dataset
├── CheckpointError     ValueError       a checkpoint that is missing, damaged or inconsistent
├── TrainingError       RuntimeError     a training run that can't start or continue
│   └── RunCancelled                     a training run that was cancelled
├── AccessError         PermissionError  a person who may not do this
├── AuditError          RuntimeError     the log can't be opened, read or written
├── MissingExtra        ImportError      a part of Pneumo that is not installed
└── UnknownName         LookupError      a name that is in no registry
```

Each message says what happened, why, and what to do.
"""

import warnings
from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING

__all__ = [
    "AccessError",
    "AuditError",
    "CheckpointError",
    "DatasetError",
    "MissingExtra",
    "PneumoError",
    "RunCancelled",
    "TrainingError",
    "UnknownName",
    "UnreadableImage",
    "wrong_type",
]


class PneumoError(Exception):
    """Base of every error that Pneumo raises on purpose."""


class AuditError(PneumoError, RuntimeError):
    """The audit log can't be opened, read or written."""


class UnreadableImage(PneumoError, ValueError):
    """A file that cannot become a radiograph.

    Args:
        file: name shown to the user, without its folder.
        reason: what is wrong, a clause without a full stop.
        remedy: what to do, an imperative without a full stop.
    """

    def __init__(self, file: str, reason: str, remedy: str) -> None:
        super().__init__(f"{file}: {reason}. {remedy}.")
        self.file = file
        self.reason = reason
        self.remedy = remedy

    def __reduce__(self) -> tuple[type["UnreadableImage"], tuple[str, str, str]]:
        return type(self), (self.file, self.reason, self.remedy)


if not TYPE_CHECKING:

    def __getattr__(name: str) -> type[UnreadableImage]:
        """Return ``UnreadableImage`` by its former name, which is deprecated."""
        if name != "UnreadableFilm":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        warnings.warn("use UnreadableImage", DeprecationWarning, stacklevel=2)
        return UnreadableImage


class DatasetError(PneumoError, ValueError):
    """A folder or archive that cannot become a dataset."""


class CheckpointError(PneumoError, ValueError):
    """A checkpoint that is missing, damaged or inconsistent."""


class TrainingError(PneumoError, RuntimeError):
    """A run that can't start or continue."""


class RunCancelled(TrainingError):
    """A run that was cancelled."""


class AccessError(PneumoError, PermissionError):
    """The user lacks the role that an action needs, or the access configuration is invalid."""


class MissingExtra(PneumoError, ImportError):
    """A part of Pneumo that is not installed.

    Args:
        extra: name of the extra that brings it; "" for modules that no extra brings.
        modules: the modules that were not found.
    """

    def __init__(self, extra: str, modules: Iterable[str]) -> None:
        self.extra = extra
        self.modules = tuple(modules)
        *first, last = self.modules
        named = f"{', '.join(first)} and {last}" if first else last
        which, them = ("which are", "them") if first else ("which is", "it")
        what = f"'pneumo[{extra}]'" if extra else " ".join(self.modules)
        super().__init__(
            f"This needs {named}, {which} not installed. Install {them}: pip install {what}."
        )

    def __reduce__(self) -> tuple[type["MissingExtra"], tuple[str, tuple[str, ...]]]:
        return type(self), (self.extra, self.modules)


class UnknownName(PneumoError, LookupError):
    """A name that is not in a registry.

    Args:
        kind: kind of name ("model", "architecture", "operating point").
        name: the unknown name.
        known: the names that exist.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind = kind
        self.name = name
        self.known = tuple(sorted(known))
        near = get_close_matches(name.lower(), self.known, n=1, cutoff=0.7)
        meant = f" Did you mean '{near[0]}'?" if near else ""
        choices = f"Choose one of: {', '.join(self.known)}." if self.known else "There is none yet."
        super().__init__(f"There is no {kind} named '{name}'. {choices}{meant}")

    def __reduce__(self) -> tuple[type["UnknownName"], tuple[str, str, tuple[str, ...]]]:
        return type(self), (self.kind, self.name, self.known)


def wrong_type(what: str, expected: str, given: object) -> TypeError:
    """Return the error for an argument of a wrong type: ``what`` must be ``expected``."""
    kind = type(given)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return TypeError(f"{what} must be {expected}, not {'None' if given is None else name}.")
