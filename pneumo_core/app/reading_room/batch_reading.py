"""Read X-rays of the worklist in parallel, decoding each one once for all models.

This module does not import Streamlit.
"""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pneumo_core.app.reading_room.worklist import Film
from pneumo_core.core.parallel import in_order
from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging import Radiograph, display_pixels, jpeg, read_radiograph
from pneumo_core.imaging.orientation import turned_radiograph
from pneumo_core.reading import Reader, Reading

__all__ = ["Answer", "Question", "answers", "decode"]

_THUMBNAIL = 96


@dataclass(frozen=True, eq=False)
class Question:
    """One X-ray to read, and the models to read it with.

    If ``first`` cannot read the X-ray, the ``others`` are not run.
    ``decoded``: the X-ray if it is decoded already; ``picture``: whether to make a thumbnail.
    """

    film: Film
    first: Reader | None
    others: tuple[Reader, ...] = ()
    decoded: Radiograph | None = None
    picture: bool = True


@dataclass(frozen=True)
class Answer:
    """The results for one X-ray, and its thumbnail as a data URI ("" if there is none)."""

    film: Film
    readings: tuple[Reading, ...]
    thumbnail: str = ""


def answers(questions: Sequence[Question], at_once: int) -> Iterator[Answer]:
    """Return answers in the order of the questions; ``at_once`` X-rays run in parallel."""
    yield from in_order(_answer, questions, max(1, min(at_once, len(questions))))


def decode(film: Film) -> Radiograph:
    """Return the decoded X-ray, rotated if asked.

    Raises UnreadableImage.
    """
    radiograph = read_radiograph(film.source, name=film.name)
    return turned_radiograph(radiograph, film.quarters) if film.quarters else radiograph


def _answer(question: Question) -> Answer:
    film = question.film
    try:
        radiograph = question.decoded or decode(film)
    except UnreadableImage as error:
        asked = (question.first,) if question.first else question.others
        return Answer(film, tuple(reader.failed(error) for reader in asked))
    thumbnail = _thumbnail(radiograph) if question.picture else ""
    return Answer(film, tuple(_readings(question, radiograph)), thumbnail)


def _readings(question: Question, radiograph: Radiograph) -> Iterator[Reading]:
    if question.first:
        reading = question.first.read(radiograph)
        yield reading
        if reading.probability is None:
            return
    for other in question.others:
        yield other.read(radiograph)


def _thumbnail(radiograph: Radiograph) -> str:
    small = jpeg(display_pixels(radiograph.pixels, _THUMBNAIL), quality=75)
    return f"data:image/jpeg;base64,{base64.b64encode(small).decode()}"
