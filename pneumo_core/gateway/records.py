"""What a gateway's queue holds: X-rays, their results, and deliveries of results."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Arrival", "Delivery", "Film", "Finished", "Rendered", "State"]

State: TypeAlias = Literal["received", "read", "refused", "failed", "sent"]


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A received X-ray, as its header describes it; "" for what is not given.

    ``file``: its name in the folder of X-rays. ``device``: manufacturer and model.
    """

    sop_uid: str
    sop_class: str
    study_uid: str
    series_uid: str
    patient: str
    accession: str
    modality: str
    device: str
    sender: str
    file: str
    size: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class Film(Arrival):
    """An X-ray in the queue. ``file`` is "" once it was removed; times are seconds since 1970."""

    number: int
    state: State
    reason: str
    received: float
    changed: float
    tries: int
    probability: float | None
    model: str | None
    reading: str | None


@dataclass(frozen=True)
class Rendered:
    """A result's file: its kind, whether it is identified, its UID, SOP class and file name."""

    kind: str
    identified: bool
    sop_uid: str
    sop_class: str
    file: str


@dataclass(frozen=True, kw_only=True)
class Finished:
    """The outcome for an X-ray: read, refused or failed.

    ``reading``: its row as JSON. ``pixels``: SHA-256 of the decoded pixels. ``seconds``: how long
    it took. ``deliveries``: (destination, kind, identified) of what is to be sent, kind None for a
    notice.
    """

    state: State
    reason: str = ""
    reading: str | None = None
    probability: float | None = None
    model: str | None = None
    pixels: str | None = None
    seconds: float | None = None
    rendered: Sequence[Rendered] = ()
    deliveries: Sequence[tuple[str, str | None, bool]] = ()


@dataclass(frozen=True)
class Delivery:
    """A result, or a notice (``result`` and ``file`` None), to be sent to a destination."""

    number: int
    film: int
    result: int | None
    destination: str
    tries: int
    sop_uid: str | None
    sop_class: str | None
    file: str | None
