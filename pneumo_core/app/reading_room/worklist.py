"""The worklist: its X-rays and results, their order, and what is still to read.

This module does not import Streamlit. A worklist belongs to one session and lives in memory.
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
    "by_image",
    "next_hidden",
    "next_to",
    "sort_items",
    "waiting",
]

Said = tuple[str, str]
"""A checkpoint's name and version."""

_ROTATED = "?rotated="


@dataclass(frozen=True)
class Film:
    """A file to be read, not yet decoded.

    ``key`` identifies contents and name: equal keys mean equal X-rays. ``link`` is the query
    parameter and value that open it again; empty for an upload. ``quarters``: quarter turns to
    the left before it is read and shown; a rotated X-ray has its own key. ``label``: the truth, if
    the link that opened it says so.
    """

    key: str
    name: str
    source: Path | bytes
    link: tuple[str, str] | None = None
    quarters: int = 0
    label: int | None = None

    def rotated(self, quarters: int) -> "Film":
        """Return the X-ray rotated by these quarter turns; 0 for the original."""
        key = self.key.partition(_ROTATED)[0]
        if quarters % 4:
            key += f"{_ROTATED}{quarters % 4}"
        return replace(self, key=key, quarters=quarters % 4)


@dataclass(frozen=True)
class Item:
    """A row of the worklist: an X-ray, the chosen model's result, and the other models' results.

    ``reading`` is None while it waits or while it is ``hidden`` (Read first);
    ``opinions`` are the results of the panel, each at its own default operating point;
    ``thumbnail`` is a data URI or empty; ``call`` is the reader's own; ``draw`` its place in the
    random order.
    """

    film: Film
    number: int
    reading: Reading | None
    opinions: tuple[Reading, ...] = ()
    thumbnail: str = ""
    hidden: bool = False
    call: Call | None = None
    draw: str = ""

    @property
    def title(self) -> str:
        """Return the file's name; while the X-ray waits for the reader's call, its number only.

        Names such as "person1_bacteria_2.jpeg" give the answer away.
        """
        return f"X-ray {self.number + 1}" if self.hidden else self.film.name

    @property
    def group(self) -> str:
        """Return the X-ray's group, one of ``GROUPS``; "Waiting" before it is read."""
        if self.hidden:
            return "To call"
        if self.reading is None:
            return "Waiting"
        return (self.reading.level or "not read").capitalize()

    @property
    def status(self) -> str:
        """Return its status: waiting, to be called by the reader, read, refused or failed."""
        if self.hidden:
            return "to be called by you"
        return self.reading.status if self.reading else "waiting"


GROUPS = ("To call", "Likely", "Uncertain", "Unlikely", "Not read", "Waiting")
"""Groups that a worklist can be filtered by, the most suspicious first."""

ORDERS: Mapping[str, Callable[[Item], tuple[object, ...]]] = MappingProxyType(
    {
        "Most suspicious first": lambda item: (_rank(item), -_probability(item), item.draw),
        "Least suspicious first": lambda item: (_rank(item), _probability(item)),
        "Models disagree first": lambda item: (_rank(item), -_spread(item), -_probability(item)),
        "By file name": lambda item: (item.film.name.casefold(),),
        "As added": lambda item: (item.number,),
    }
)
"""Orders of the worklist, the default first. X-rays to be called come first, in an order
drawn from their contents; those without a probability come last."""


@dataclass
class Worklist:
    """The X-rays of one session and their results.

    ``readings`` are kept per checkpoint and version, each at its default operating point.
    ``opened`` is the key of the X-ray on the screen; ``shown`` the keys in the order on the screen.
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
        """Append X-rays; return how many were already on the list."""
        before, given = len(self.films), 0
        for film in films:
            given += 1
            self.films.setdefault(film.key, film)
        self.stopped = False
        return given - (len(self.films) - before)

    def open(self, key: str | None) -> None:
        """Show an X-ray; None shows none."""
        self.opened = key

    def remove(self, key: str) -> None:
        """Remove an X-ray with its results, and open the next one shown."""
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
        """Rotate an X-ray by quarter turns to the left, and read it again."""
        film = self.films[key].rotated(quarters)
        places = [film if each == key else other for each, other in self.films.items()]
        shown = tuple(film.key if each == key else each for each in self.shown)
        self.remove(key)
        self.films = {each.key: each for each in places}
        self.shown, self.opened, self.stopped = shown, film.key, False

    def clear(self) -> None:
        """Remove everything except the record of which results were seen."""
        own = OwnCalls(self.own.wanted, self.own.told, seed=self.own.seed)
        self.__dict__.update(vars(Worklist(uploads=self.uploads + 1, own=own)))

    def said(self, checkpoint: Checkpoint) -> dict[str, Reading]:
        """Return the checkpoint's readings by the X-ray's key."""
        return self.readings.setdefault((checkpoint.name, checkpoint.card.version), {})

    def put_down(self, film: Film, readings: Iterable[Reading], thumbnail: str) -> None:
        """Store the readings of an X-ray, and its thumbnail if there is one."""
        for reading in readings:
            self.readings.setdefault((reading.model, reading.version), {})[film.key] = reading
        if thumbnail:
            self.thumbnails[film.key] = thumbnail

    def items(
        self, chosen: Checkpoint, point: OperatingPoint, panel: Sequence[Checkpoint]
    ) -> list[Item]:
        """Return a row for each X-ray, in the order added, at the chosen model and operating point.

        ``panel``: the checkpoints whose opinions count, the chosen one among them.
        """
        said = self.said(chosen)
        items = []
        for number, (key, film) in enumerate(self.films.items()):
            reading = said[key].at(point) if key in said else None
            opinions = [self.said(each).get(key) for each in panel]
            # A refusal is not a result, so it is shown.
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
                    self.own.place_of(key) if hidden else "",
                )
            )
        return items


def sort_items(items: Iterable[Item], *, order: str, group: str | None, text: str) -> list[Item]:
    """Return the items of a group (None: all) whose name contains ``text``, in order."""
    wanted = text.strip().casefold()
    kept = (
        item
        for item in items
        if (group is None or item.group == group) and wanted in item.film.name.casefold()
    )
    return sorted(kept, key=ORDERS[order])


def next_to(keys: Sequence[str], key: str | None) -> tuple[str | None, str | None]:
    """Return the keys before and after a key; an unknown key is followed by the first one."""
    if key not in keys:
        return None, keys[0] if keys else None
    row = keys.index(key)
    return keys[row - 1] if row else None, keys[row + 1] if row + 1 < len(keys) else None


def next_hidden(worklist: Worklist, key: str) -> tuple[str | None, int]:
    """Return the next X-ray to call, wrapping around, and how many are left.

    X-rays that are filtered out come last.
    """
    order = [*worklist.shown, *(each for each in worklist.films if each not in worklist.shown)]
    row = order.index(key) + 1 if key in order else 0
    left = [each for each in order[row:] + order[:row] if worklist.own.hides(each)]
    return (left[0] if left else None), len(left)


def waiting(
    worklist: Worklist, chosen: Checkpoint, others: Sequence[Checkpoint]
) -> list[tuple[Film, Checkpoint]]:
    """Return pairs of X-ray and checkpoint still to read: the open X-ray and the chosen one first.

    Other checkpoints skip X-rays that the chosen one refused or failed to read.
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


def by_image(left: Iterable[tuple[Film, Checkpoint]]) -> list[tuple[Film, list[Checkpoint]]]:
    """Group what is still to read by X-ray, in the order given."""
    readers: dict[str, tuple[Film, list[Checkpoint]]] = {}
    for film, checkpoint in left:
        readers.setdefault(film.key, (film, []))[1].append(checkpoint)
    return list(readers.values())


def _rank(item: Item) -> int:
    """Rank an item: to be called, with a probability, not read, waiting."""
    if item.hidden:
        return -1
    if item.reading is None:
        return 2
    return int(item.reading.probability is None)


def _probability(item: Item) -> float:
    known = None if item.reading is None else item.reading.probability
    return 0.0 if known is None else known


def _spread(item: Item) -> float:
    """Return the spread of the models' probabilities, plus 1 if they disagree."""
    read = [each for each in item.opinions if each.probability is not None]
    if len(read) < 2:
        return 0.0
    values = [each.probability or 0.0 for each in read]
    return max(values) - min(values) + disagree(read)
