"""The worklist as data: what is on it, which films are shown in which order, what is still to do.

Nothing here knows Streamlit. One worklist belongs to one visitor and lives in memory.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from pneumo_core.app.reading_room.reader_calls import Call, OwnCalls
from pneumo_core.app.words import disagree
from pneumo_core.checkpoints import Checkpoint, OperatingPoint
from pneumo_core.reading import Reading

__all__ = [
    "GROUPS",
    "ORDERS",
    "Film",
    "Item",
    "Worklist",
    "arranged",
    "by_film",
    "next_hidden",
    "next_to",
    "waiting",
]

Said = tuple[str, str]
"""A checkpoint's name and version."""

_ROTATED = "?rotated="


@dataclass(frozen=True)
class Film:
    """A file to be read, not yet decoded.

    ``key`` names the contents and the name: equal keys, equal films. ``link`` is what an address
    carries of it, a query parameter and its value; empty for an upload, which stays here.
    ``quarters`` of a circle to the left by which it is rotated to be read and shown: it has a key
    of its own then.
    """

    key: str
    name: str
    source: Path | bytes
    link: tuple[str, str] | None = None
    quarters: int = 0

    def rotated(self, quarters: int) -> "Film":
        """The same film, rotated by these quarters and no others; 0 for as it came."""
        key = self.key.partition(_ROTATED)[0]
        if quarters % 4:
            key += f"{_ROTATED}{quarters % 4}"
        return replace(self, key=key, quarters=quarters % 4)


@dataclass(frozen=True)
class Item:
    """A row of the worklist: a film, what the chosen checkpoint says of it, what the others say.

    ``reading`` is None while it waits, or is ``hidden`` until its reader has called it;
    ``opinions`` are those of the panel's checkpoints, each at its own default operating point;
    ``thumbnail`` is a data URI, empty without a picture; ``call`` is the reader's own.
    """

    film: Film
    number: int
    reading: Reading | None
    opinions: tuple[Reading, ...] = ()
    thumbnail: str = ""
    hidden: bool = False
    call: Call | None = None

    @property
    def group(self) -> str:
        """The one of ``GROUPS`` that it belongs to; "Waiting" before it is read."""
        if self.hidden:
            return "To call"
        if self.reading is None:
            return "Waiting"
        return (self.reading.level or "not read").capitalize()

    @property
    def status(self) -> str:
        """How far it is: waiting, to be called by its reader, read, refused or failed."""
        if self.hidden:
            return "to be called by you"
        return self.reading.status if self.reading else "waiting"


GROUPS = ("To call", "Likely", "Uncertain", "Unlikely", "Not read", "Waiting")
"""What a worklist can be cut down to: verdicts in a word, the most suspicious first."""

ORDERS: Mapping[str, Callable[[Item], tuple[object, ...]]] = MappingProxyType(
    {
        "Most suspicious first": lambda item: (_rank(item), -_probability(item)),
        "Least suspicious first": lambda item: (_rank(item), _probability(item)),
        "Models disagree first": lambda item: (_rank(item), -_spread(item), -_probability(item)),
        "By file name": lambda item: (item.film.name.casefold(),),
        "As added": lambda item: (item.number,),
    }
)
"""Orders of the worklist, the default first. Films to be called come first, those without a
probability last."""


@dataclass
class Worklist:
    """The films of one visitor and what was said of them so far.

    ``readings`` are kept per checkpoint and version, each at its default operating point.
    ``opened`` is the key of the film on the screen; ``shown`` the keys in the order on the screen.
    """

    films: dict[str, Film] = field(default_factory=dict)
    readings: dict[Said, dict[str, Reading]] = field(default_factory=dict)
    thumbnails: dict[str, str] = field(default_factory=dict)
    opened: str | None = None
    shown: tuple[str, ...] = ()
    stopped: bool = False
    uploads: int = 0
    own: OwnCalls = field(default_factory=OwnCalls)

    def add(self, films: Iterable[Film]) -> int:
        """Put films at the end; gives how many were there already."""
        before, given = len(self.films), 0
        for film in films:
            given += 1
            self.films.setdefault(film.key, film)
        self.stopped = False
        return given - (len(self.films) - before)

    def open(self, key: str | None) -> None:
        """Put a film on the screen; none for None."""
        self.opened = key

    def remove(self, key: str) -> None:
        """Forget a film and everything that was said of it; the next one shown is opened."""
        if self.opened == key:
            before, after = next_to(self.shown, key)
            self.opened = after or before
        self.shown = tuple(each for each in self.shown if each != key)
        self.films.pop(key, None)
        self.thumbnails.pop(key, None)
        self.own.forget(key)
        for said in self.readings.values():
            said.pop(key, None)

    def rotate(self, key: str, quarters: int) -> None:
        """Put a film in its own place again, rotated by quarters of a circle to the left, and
        forget what was said of it as it was; it is read anew."""
        film = self.films[key].rotated(quarters)
        places = [film if each == key else other for each, other in self.films.items()]
        shown = tuple(film.key if each == key else each for each in self.shown)
        self.remove(key)
        self.films = {each.key: each for each in places}
        self.shown, self.opened, self.stopped = shown, film.key, False

    def clear(self) -> None:
        """Forget everything, except which answers were seen."""
        own = OwnCalls(self.own.wanted, self.own.told)
        self.__dict__.update(vars(Worklist(uploads=self.uploads + 1, own=own)))

    def said(self, checkpoint: Checkpoint) -> dict[str, Reading]:
        """The checkpoint's readings by the film's key."""
        return self.readings.setdefault((checkpoint.name, checkpoint.card.version), {})

    def put_down(self, film: Film, readings: Iterable[Reading], thumbnail: str) -> None:
        """Keep what was said of a film, and its picture where there is one."""
        for reading in readings:
            self.readings.setdefault((reading.model, reading.version), {})[film.key] = reading
        if thumbnail:
            self.thumbnails[film.key] = thumbnail

    def items(
        self, chosen: Checkpoint, point: OperatingPoint, panel: Sequence[Checkpoint]
    ) -> list[Item]:
        """Return a row for each film, in the order of adding, read by the chosen one at a point.

        ``panel``: the checkpoints whose opinions count, the chosen one among them.
        """
        said = self.said(chosen)
        items = []
        for number, (key, film) in enumerate(self.films.items()):
            reading = said[key].at(point) if key in said else None
            opinions = [self.said(each).get(key) for each in panel]
            # That it wasn't read is no answer.
            hidden = self.own.hides(key) and (reading is None or reading.predicted is not None)
            items.append(
                Item(
                    film,
                    number,
                    None if hidden else reading,
                    () if hidden else tuple(each for each in opinions if each),
                    self.thumbnails.get(key, ""),
                    hidden,
                    self.own.calls.get(key),
                )
            )
        return items


def arranged(items: Iterable[Item], *, order: str, group: str | None, text: str) -> list[Item]:
    """The items to show: of one group (None for all), whose name holds ``text``, in an order."""
    wanted = text.strip().casefold()
    kept = (
        item
        for item in items
        if (group is None or item.group == group) and wanted in item.film.name.casefold()
    )
    return sorted(kept, key=ORDERS[order])


def next_to(keys: Sequence[str], key: str | None) -> tuple[str | None, str | None]:
    """The keys before and after one; the first one is after a key that is not there."""
    if key not in keys:
        return None, keys[0] if keys else None
    row = keys.index(key)
    return keys[row - 1] if row else None, keys[row + 1] if row + 1 < len(keys) else None


def next_hidden(worklist: Worklist, key: str) -> tuple[str | None, int]:
    """The film to call after one, in the order shown and from its start again; how many there are.

    Films that a filter takes off the screen come last.
    """
    order = [*worklist.shown, *(each for each in worklist.films if each not in worklist.shown)]
    row = order.index(key) + 1 if key in order else 0
    left = [each for each in order[row:] + order[:row] if worklist.own.hides(each)]
    return (left[0] if left else None), len(left)


def waiting(
    worklist: Worklist, chosen: Checkpoint, others: Sequence[Checkpoint]
) -> list[tuple[Film, Checkpoint]]:
    """What is still to be read, by whom: the opened film first, and the chosen checkpoint first.

    The others are asked about films that the chosen one read, not about refused or failed ones.
    """
    films = sorted(worklist.films.values(), key=lambda film: film.key != worklist.opened)
    said = worklist.said(chosen)
    first = [(film, chosen) for film in films if film.key not in said]
    second = [
        (film, other)
        for film in films
        for other in others
        if film.key not in worklist.said(other)
        and (film.key not in said or said[film.key].probability is not None)
    ]
    return first + second


def by_film(left: Iterable[tuple[Film, Checkpoint]]) -> list[tuple[Film, list[Checkpoint]]]:
    """What is still to be read, a film at a time: in the order given, with all who read it."""
    readers: dict[str, tuple[Film, list[Checkpoint]]] = {}
    for film, checkpoint in left:
        readers.setdefault(film.key, (film, []))[1].append(checkpoint)
    return list(readers.values())


def _rank(item: Item) -> int:
    """Films to call, those with a probability, those that weren't read, those that wait."""
    if item.hidden:
        return -1
    if item.reading is None:
        return 2
    return int(item.reading.probability is None)


def _probability(item: Item) -> float:
    known = None if item.reading is None else item.reading.probability
    return 0.0 if known is None else known


def _spread(item: Item) -> float:
    """How far apart the models' probabilities are, more where one says likely, another unlikely."""
    read = [each for each in item.opinions if each.probability is not None]
    if len(read) < 2:
        return 0.0
    values = [each.probability or 0.0 for each in read]
    return max(values) - min(values) + disagree(read)
