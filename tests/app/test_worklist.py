"""The worklist as data: what is shown in which order, what is still to do."""

from dataclasses import replace

import pytest

from pneumo_core.app.reading_room.worklist import (
    GROUPS,
    Film,
    Item,
    Worklist,
    next_to,
    sort_items,
    waiting,
)
from pneumo_core.checkpoints import Checkpoint, OperatingPoint
from pneumo_core.metrics import Estimate
from pneumo_core.reading import Reading

NONE = Estimate(0.5, 0.4, 0.6)


def film(name: str) -> Film:
    return Film(name, name, b"")


def reading(probability: float | None, *, threshold: float = 0.5, model: str = "m") -> Reading:
    status = "failed" if probability is None else "read"
    point = OperatingPoint("balanced", threshold, "", "val", NONE, NONE)
    return Reading("f", status, model, "v", "balanced", threshold, probability).at(point)


def items() -> list[Item]:
    """In the order of adding: unlikely, failed, likely, waiting, uncertain."""
    said = {
        "c.png": reading(0.1),
        "notes.txt": reading(None),
        "a.png": reading(0.9),
        "later.png": None,
        "b.png": reading(0.52),
    }
    return [Item(film(name), row, each) for row, (name, each) in enumerate(said.items())]


def names(shown: list[Item]) -> list[str]:
    return [item.film.name for item in shown]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("Most suspicious first", ["a.png", "b.png", "c.png", "notes.txt", "later.png"]),
        ("Least suspicious first", ["c.png", "b.png", "a.png", "notes.txt", "later.png"]),
        ("By file name", ["a.png", "b.png", "c.png", "later.png", "notes.txt"]),
        ("As added", ["c.png", "notes.txt", "a.png", "later.png", "b.png"]),
    ],
)
def test_films_without_a_probability_come_after_those_that_were_read(
    order: str, expected: list[str]
) -> None:
    assert names(sort_items(items(), order=order, group=None, text="")) == expected


def test_every_film_belongs_to_one_group() -> None:
    hidden = Item(film("mine.png"), 5, None, hidden=True)
    every = [*items(), hidden]
    found = {name: sort_items(every, order="As added", group=name, text="") for name in GROUPS}
    assert {name: names(each) for name, each in found.items()} == {
        "To call": ["mine.png"],
        "Likely": ["a.png"],
        "Uncertain": ["b.png"],
        "Unlikely": ["c.png"],
        "Not read": ["notes.txt"],
        "Waiting": ["later.png"],
    }


def test_a_text_finds_part_of_a_name_in_any_case() -> None:
    shown = sort_items(items(), order="As added", group=None, text=" PNG ")
    assert names(shown) == ["c.png", "a.png", "later.png", "b.png"]


def test_films_that_models_call_differently_come_first() -> None:
    far = (reading(0.1), reading(0.45, model="n"))
    split = (reading(0.4), reading(0.6, model="n"))
    rows = [
        Item(film("alone"), 0, reading(0.9), (reading(0.9),)),
        Item(film("far"), 1, far[0], far),
        Item(film("split"), 2, split[0], split),
    ]
    shown = sort_items(rows, order="Models disagree first", group=None, text="")
    assert names(shown) == ["split", "far", "alone"]


@pytest.mark.parametrize(
    ("key", "around"),
    [("a", (None, "b")), ("b", ("a", "c")), ("c", ("b", None)), ("gone", (None, "a"))],
)
def test_the_films_before_and_after_one(key: str, around: tuple[str | None, str | None]) -> None:
    assert next_to(["a", "b", "c"], key) == around


def test_nothing_comes_after_nothing() -> None:
    assert next_to([], None) == (None, None)


def test_the_chosen_checkpoint_reads_everything_before_the_others_do(
    checkpoint: Checkpoint,
) -> None:
    other = replace(checkpoint, card=replace(checkpoint.card, weights_sha256="f" * 64))
    worklist = Worklist()
    assert worklist.add([film("a"), film("b"), film("a")]) == 1, "a was there already"
    worklist.opened = "b"
    tasks = [(each.key, by is other) for each, by in waiting(worklist, checkpoint, [other])]
    assert tasks == [("b", False), ("a", False), ("b", True), ("a", True)]
    worklist.said(checkpoint)["a"] = reading(None)
    worklist.said(checkpoint)["b"] = reading(0.5)
    tasks = [(each.key, by is other) for each, by in waiting(worklist, checkpoint, [other])]
    assert tasks == [("b", True)], "nobody is asked about an X-ray that can't be read"


def test_removing_the_open_film_opens_the_next_one(checkpoint: Checkpoint) -> None:
    worklist = Worklist()
    worklist.add([film("a"), film("b"), film("c")])
    worklist.shown, worklist.opened = ("a", "b", "c"), "b"
    worklist.said(checkpoint)["b"] = reading(0.5)
    worklist.remove("b")
    assert worklist.opened == "c"
    assert list(worklist.films) == ["a", "c"]
    assert not worklist.said(checkpoint)
    worklist.remove("c")
    assert worklist.opened == "a", "the one before, where none comes after"


def test_clearing_forgets_everything(checkpoint: Checkpoint) -> None:
    worklist = Worklist()
    worklist.add([film("a")])
    worklist.said(checkpoint)["a"] = reading(0.5)
    worklist.clear()
    assert not worklist.films
    assert not worklist.readings
    assert worklist.opened is None


def test_items_are_read_at_the_chosen_point_and_keep_opinions_at_their_own(
    checkpoint: Checkpoint,
) -> None:
    worklist = Worklist()
    worklist.add([film("a")])
    worklist.said(checkpoint)["a"] = reading(0.4)
    screening = checkpoint.card.operating_point("screening")
    (item,) = worklist.items(checkpoint, screening, [checkpoint])
    assert item.reading is not None
    assert (item.reading.threshold, item.reading.predicted) == (0.2, 1)
    assert [each.predicted for each in item.opinions] == [0]
