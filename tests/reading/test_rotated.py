"""A turned X-ray is put upright and read: the reading, the picture and the facts go with it."""

from dataclasses import replace

import numpy as np
import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.imaging import FileFacts, PixelValues, Radiograph
from pneumo_core.imaging.orientation import rotation_text, turned_radiograph
from pneumo_core.reading import Reader, entry_of, open_reader
from tests.gate.test_network_check import FILM, Judge

FACTS = FileFacts(
    format="DICOM",
    width=3,
    height=2,
    bits=8,
    colour=False,
    pixel_spacing_mm=(0.1, 0.2),
    orientation=("F", "R"),
)


@pytest.fixture
def reader(checkpoint: Checkpoint) -> Reader:
    return replace(open_reader(checkpoint.name), familiarity=Judge([FILM], "on its side"))


def film(quarters: int = 0) -> Radiograph:
    """A film that was turned by quarters to the left before it was stored."""
    pixels = np.ascontiguousarray(np.rot90(FILM, quarters)).astype(np.float32) / 255
    return Radiograph("film.png", pixels, FileFacts("PNG", 400, 400, 8, False))


def test_a_turn_to_the_left_by_hand() -> None:
    pixels = np.array([[0, 0.1, 0.2], [0.3, 0.4, 0.5]], np.float32)
    turned = turned_radiograph(Radiograph("film", pixels, FACTS), 1)
    np.testing.assert_array_equal(turned.pixels, np.float32([[0.2, 0.5], [0.1, 0.4], [0, 0.3]]))
    assert (turned.facts.width, turned.facts.height) == (2, 3)
    assert turned.facts.pixel_spacing_mm == (0.2, 0.1)
    # What ran to the feet along the rows, and to the right side down the columns, before:
    assert turned.facts.orientation == ("R", "H")
    assert turned.rotated == 1


def test_four_quarters_are_none() -> None:
    turned = radiograph = Radiograph("film", np.zeros((2, 3), np.float32), FACTS)
    for _ in range(4):
        turned = turned_radiograph(turned, 1)
    assert (turned.facts, turned.rotated) == (radiograph.facts, 0)


@pytest.mark.parametrize("quarters", [1, 3])
def test_a_turned_film_is_read_like_the_upright_one(reader: Reader, quarters: int) -> None:
    upright, lying = reader.read(film()), film(quarters)
    refused = reader.read(lying)
    assert (refused.status, refused.quarters_to_upright) == ("refused", 4 - quarters)
    assert refused.as_read(lying) is lying
    reading = reader.read(lying, rotate=True)
    assert (reading.status, reading.rotated) == ("read", 4 - quarters)
    assert reading.probability == upright.probability
    assert rotation_text(4 - quarters) in reading.warnings[0]
    shown = reading.as_read(lying)
    np.testing.assert_array_equal(shown.pixels, film().pixels)
    assert reading.as_read(shown) is shown, "it is upright already"


def test_an_upright_film_is_not_rotated(reader: Reader) -> None:
    assert reader.read(film(), rotate=True) == reader.read(film())


def test_the_log_says_how_a_film_was_rotated(reader: Reader) -> None:
    reading = reader.read(film(3), rotate=True)
    assert entry_of(reading, "0" * 64, "somebody").subject == "rotated by 90° to the left"
    assert entry_of(reader.read(film()), "0" * 64, "somebody").subject is None


def test_values_turn_with_their_padding() -> None:
    padding = np.array([[True, False]])
    turned = PixelValues(np.float32([[1, 2]]), inverted=True, padding=padding).turned(1)
    assert turned.values.tolist() == [[2], [1]]
    assert turned.padding is not None
    assert turned.padding.tolist() == [[False], [True]]
    assert turned.inverted
