"""The gate's look through the network: what is read, what is refused and why, what is corrected."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.gate import Familiarity, Likeness
from pneumo_core.gate.network_check import look
from pneumo_core.imaging import FileFacts, Radiograph
from pneumo_core.reading import Reader, open_reader

FILM = np.arange(100 * 100, dtype=np.uint32).reshape(100, 100) % 251
FILM = FILM.astype(np.uint8)


class Judge(Familiarity):
    """Knows some pictures by heart; everything else is ``kind``, at ``distance``."""

    def __init__(self, known: list[np.ndarray], kind: str, distance: float = 2.0) -> None:
        object.__setattr__(self, "known", [each.tobytes() for each in known])
        object.__setattr__(self, "other", Likeness(distance, 2.0, True, kind))

    def likeness(self, cells: np.ndarray, films: np.ndarray) -> list[Likeness]:
        near = Likeness(0.2, 0.1, False, "part")
        return [near if film.tobytes() in self.known else self.other for film in films]  # type: ignore[attr-defined]


@pytest.fixture
def reader(checkpoint: Checkpoint) -> Reader:
    return open_reader(checkpoint.name)


def radiograph(film: np.ndarray = FILM) -> Radiograph:
    facts = FileFacts(format="PNG", width=400, height=400, bits=8, colour=False)
    return Radiograph("film.png", film.astype(np.float32) / 255, facts)


def test_a_familiar_film_is_read_as_without_the_gate(reader: Reader) -> None:
    gated = replace(reader, familiarity=Judge([FILM], "picture")).read(radiograph())
    assert gated == replace(reader.read(radiograph()), strangeness=0.2)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("limb", "looks like a limb"),
        ("picture", "not look like a radiograph"),
        ("small", "not look like one whole chest X-ray"),
        ("inverted", "not look like a frontal chest X-ray"),
        ("on its side", "not look like a frontal chest X-ray"),
        ("upside down", "not look like a frontal chest X-ray"),
    ],
)
def test_what_is_unfamiliar_gets_a_reason_and_no_probability(
    reader: Reader, kind: str, words: str
) -> None:
    reading = replace(reader, familiarity=Judge([], kind)).read(radiograph())
    (reason,) = reading.reasons
    assert words in reason
    assert (reading.status, reading.probability, reading.strangeness) == ("refused", None, 2.0)


@pytest.mark.parametrize(("distance", "words"), [(0.9, "cropped"), (1.1, "shows a part of one")])
def test_a_piece_is_called_cropped_only_where_it_is_like_a_film(
    reader: Reader, distance: float, words: str
) -> None:
    reading = replace(reader, familiarity=Judge([], "part", distance)).read(radiograph())
    assert words in reading.reasons[0]


def test_an_inverted_film_is_read_corrected_and_says_so(reader: Reader) -> None:
    judge = Judge([FILM], "inverted")
    straight = reader.read(radiograph())
    swapped = replace(reader, familiarity=judge).read(radiograph(255 - FILM))
    assert (swapped.status, swapped.inverted) == ("read", True)
    assert swapped.probability == straight.probability
    assert "inverted" in swapped.warnings[0]
    shown = swapped.as_read(radiograph(255 - FILM))
    assert np.allclose(shown.pixels, radiograph().pixels, atol=1e-6)
    assert straight.as_read(radiograph()).pixels.tolist() == radiograph().pixels.tolist()


@pytest.mark.parametrize(
    ("quarters", "kind"), [(1, "on its side"), (3, "on its side"), (2, "upside down")]
)
def test_a_turned_film_is_told_how_it_lies(reader: Reader, quarters: int, kind: str) -> None:
    turned = radiograph(np.ascontiguousarray(np.rot90(FILM, quarters)))
    seen = look(reader.runtime, Judge([FILM], kind), turned)
    assert kind in seen.reason


def test_an_unusual_film_is_read_with_a_warning(reader: Reader) -> None:
    judge = Judge([], "picture")
    object.__setattr__(judge, "other", Likeness(0.7, 0.1, True, "picture"))
    reading = replace(reader, familiarity=judge).read(radiograph())
    assert (reading.status, reading.strangeness) == ("read", 0.7)
    assert "looks unlike" in reading.warnings[0]


def test_without_the_gate_nothing_is_judged(reader: Reader) -> None:
    open_gate = replace(reader, gate=False, familiarity=Judge([], "picture"))
    assert open_gate.read(radiograph()).status == "read"


def test_plain_checks_come_first(reader: Reader, tmp_path: Path) -> None:
    blank = radiograph(np.zeros_like(FILM))
    reading = replace(reader, familiarity=Judge([FILM], "picture")).read(blank)
    assert reading.strangeness is None
    assert reading.reasons[0].startswith("It is nearly blank")
