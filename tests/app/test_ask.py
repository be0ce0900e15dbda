"""Each film is decoded once for all models that read it, several films at a time."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from pneumo_core.app.reading_room import batch_reading as ask
from pneumo_core.app.reading_room.batch_reading import Question, answers
from pneumo_core.app.reading_room.worklist import Film, Worklist, by_image, waiting
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.imaging import Radiograph, read_radiograph
from pneumo_core.reading import Reader, open_reader
from tests.app.test_pages import film as png


def film(name: str, content: bytes | None = None) -> Film:
    return Film(name, name, png() if content is None else content)


def named(reader: Reader, name: str) -> Reader:
    """The same network under another name."""
    folder = reader.checkpoint.folder.with_name(name)
    return replace(reader, checkpoint=replace(reader.checkpoint, folder=folder))


@pytest.fixture
def readers(checkpoint: Checkpoint) -> tuple[Reader, ...]:
    reader = open_reader(checkpoint.name)
    return tuple(named(reader, name) for name in ("one", "two", "three"))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the films that were decoded, growing."""
    names: list[str] = []

    def counted(source: bytes | Path, *, name: str) -> Radiograph:
        names.append(name)
        return read_radiograph(source, name=name)

    monkeypatch.setattr(ask, "read_radiograph", counted)
    return names


def test_a_film_is_decoded_once_for_all_models(
    readers: tuple[Reader, ...], decoded: list[str]
) -> None:
    films = [film(name) for name in "abc"]
    found = list(answers([Question(each, readers[0], readers[1:]) for each in films], 2))
    assert sorted(decoded) == ["a", "b", "c"]
    assert [answer.film for answer in found] == films
    for answer in found:
        assert [reading.model for reading in answer.readings] == ["one", "two", "three"]
        expected = readers[0].read_file(answer.film.source).probability
        assert {reading.probability for reading in answer.readings} == {expected}
        assert answer.thumbnail.startswith("data:image/jpeg;base64,")


def test_a_film_that_is_on_the_screen_is_not_decoded_again(
    readers: tuple[Reader, ...], decoded: list[str]
) -> None:
    radiograph = read_radiograph(png(), name="a")
    question = Question(film("a"), readers[0], decoded=radiograph, picture=False)
    (answer,) = answers([question], 2)
    assert decoded == []
    assert answer.readings[0].status == "read"
    assert answer.thumbnail == ""


def test_films_are_read_at_a_time(
    readers: tuple[Reader, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=60)

    def together(source: bytes | Path, *, name: str) -> Radiograph:
        both.wait()  # breaks where one waits for the other
        return read_radiograph(source, name=name)

    monkeypatch.setattr(ask, "read_radiograph", together)
    found = list(answers([Question(film(name), readers[0]) for name in "ab"], 2))
    assert [answer.readings[0].status for answer in found] == ["read", "read"]


def test_others_are_not_asked_about_a_film_that_the_first_cannot_read(
    readers: tuple[Reader, ...],
) -> None:
    text = film("notes.txt", b"not an X-ray")
    (answer,) = answers([Question(text, readers[0], readers[1:])], 1)
    assert [(each.model, each.status) for each in answer.readings] == [("one", "failed")]
    (answer,) = answers([Question(text, None, readers[1:])], 1)
    assert [(each.model, each.status) for each in answer.readings] == [
        ("two", "failed"),
        ("three", "failed"),
    ]


def test_what_waits_is_taken_a_film_at_a_time(
    checkpoint: Checkpoint, readers: tuple[Reader, ...]
) -> None:
    worklist = Worklist()
    worklist.add([film("a"), film("b")])
    one, two, _ = (reader.checkpoint for reader in readers)
    left = by_image(waiting(worklist, one, [two]))
    assert [(each.name, [who.name for who in asked]) for each, asked in left] == [
        ("a", ["one", "two"]),
        ("b", ["one", "two"]),
    ]
    (answer,) = answers([Question(film("a"), readers[0])], 1)
    worklist.put_down(answer.film, answer.readings, answer.thumbnail)
    assert worklist.said(one)["a"] == answer.readings[0]
    assert worklist.thumbnails["a"] == answer.thumbnail
    left = by_image(waiting(worklist, one, [two]))
    assert [(each.name, [who.name for who in asked]) for each, asked in left] == [
        ("b", ["one", "two"]),
        ("a", ["two"]),
    ]


def test_single_readers_say_the_same(readers: tuple[Reader, ...]) -> None:
    assert readers[0].single.read_file(png()) == readers[0].read_file(png())
