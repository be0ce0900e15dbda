"""Rotate and read: a film on its side is put upright on the page, and everything follows."""

from collections.abc import Iterator

import pytest
import streamlit as st

from pneumo_core.app.reading_room.worklist import Film, Worklist
from pneumo_core.audit import open_log
from pneumo_core.checkpoints import Checkpoint
from tests.app.test_pages import VERDICTS, film, press, reading_page, told, upload, verdict
from tests.imaging.images import encoded
from tests.lying import LYING, know_lying_films


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    yield
    st.cache_resource.clear()


def test_a_film_on_its_side_is_rotated_and_read(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    know_lying_films(monkeypatch)
    app = upload(reading_page(look="1"), ("side.png", encoded(LYING, "PNG"), "image/png"))
    assert verdict(app) == "Not read"
    assert "lies on its side" in told(app)
    assert "160 × 128 pixels" in told(app)

    app = press(app, "Rotate and read")
    assert not app.exception
    assert verdict(app).startswith(VERDICTS)
    assert "rotated by 90° to the left before it was read" in told(app)
    assert "128 × 160 pixels" in told(app), "the picture on the screen"
    read = open_log().search()
    assert list(read[read.probability.notna()].subject) == ["rotated by 90° to the left"]

    app = press(app, "Undo rotation")
    assert verdict(app) == "Not read"
    assert "160 × 128 pixels" in told(app)


def test_an_upright_film_offers_no_rotation(checkpoint: Checkpoint) -> None:
    app = upload(reading_page(), ("film.png", film(), "image/png"))
    assert not {"Rotate and read", "Undo rotation"} & {button.label for button in app.button}


def test_a_rotated_film_keeps_its_place_and_forgets_what_was_said() -> None:
    worklist = Worklist()
    worklist.add([Film(name, name, b"") for name in "abc"])
    worklist.shown, worklist.opened = ("c", "b", "a"), "b"
    worklist.thumbnails["b"] = "data:"
    worklist.rotate("b", 1)
    rotated = worklist.films[worklist.opened or ""]
    assert [each.name for each in worklist.films.values()] == ["a", "b", "c"]
    assert worklist.shown == ("c", rotated.key, "a")
    assert (rotated.quarters, rotated.key != "b", worklist.thumbnails) == (1, True, {})
    worklist.rotate(rotated.key, 4)
    assert worklist.films["b"].quarters == 0
