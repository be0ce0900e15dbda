import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.datasets import open_store, scan
from pneumo_core.imaging import read_radiograph, to_input
from pneumo_core.imaging.orientation import inverted_radiograph
from pneumo_core.lungs import Box, NetworkInput, cut_out
from pneumo_core.models import Framing
from pneumo_core.reading import samples
from tests.lungs.bright import BrightFinder, radiograph

FRAMED = NetworkInput(32, Framing(1.0))


def _film() -> np.ndarray:
    """A bright square with a dark cross in it, on black."""
    pixels = np.zeros((128, 128), np.float32)
    pixels[32:96, 32:96] = 0.9
    pixels[60:68, 32:96] = pixels[32:96, 60:68] = 0.6
    return pixels


def test_a_box_is_cut_out_as_a_squashed_film_would_be() -> None:
    pixels = np.random.default_rng(0).random((64, 96)).astype(np.float32)
    part = cut_out(pixels, Box(0.25, 0.5, 0.75, 1.0), 16)
    np.testing.assert_array_equal(part, to_input(pixels[16:48, 48:96], 16))


def test_beyond_its_edges_the_xray_is_continued_by_its_mirror_image() -> None:
    """A black band would tell that the lungs reach the edge, as they do in most sick X-rays."""
    pixels = np.random.default_rng(0).random((40, 40)).astype(np.float32)
    part = cut_out(pixels, Box(-0.5, 0, 0.5, 1), 40)
    np.testing.assert_array_equal(part[:20], part[20:][::-1])
    np.testing.assert_array_equal(part[20:], np.rint(pixels[:20] * 255))


def test_a_mask_ends_at_the_edges_of_the_xray() -> None:
    part = cut_out(np.ones((40, 40), np.float32), Box(-0.5, -0.5, 0.5, 0.5), 40, mirrored=False)
    assert part[:19].max() == part[:, :19].max() == 0
    assert part[21:, 21:].min() == 255


def test_the_input_shows_the_lungs(bright: BrightFinder) -> None:
    seen = FRAMED(radiograph(_film()))
    assert seen.shape == (32, 32)
    assert seen.min() > 100, "nothing of what lies around them"


def test_framing_does_not_depend_on_how_much_lies_around_the_lungs(bright: BrightFinder) -> None:
    film = _film()
    padded = np.pad(film, ((64, 0), (0, 128)))
    one, other = FRAMED(radiograph(film)), FRAMED(radiograph(padded))
    assert np.abs(one.astype(int) - other).mean() < 6


def test_without_lungs_the_whole_image_is_seen(bright: BrightFinder) -> None:
    dark = radiograph(np.full((50, 70), 0.3, np.float32))
    assert FRAMED.box(dark) is None
    np.testing.assert_array_equal(FRAMED(dark), to_input(dark.pixels, 32))


def test_without_framing_the_whole_film_is_squashed() -> None:
    film = radiograph(_film())
    np.testing.assert_array_equal(NetworkInput(20)(film), to_input(film.pixels, 20))


def test_context_shows_more_at_the_same_resolution(bright: BrightFinder) -> None:
    wide = NetworkInput(40, Framing(1.0), context=1.5)
    assert wide.side == 60
    film = radiograph(_film())
    middle = wide(film)[10:50, 10:50].astype(int)
    assert np.abs(middle - NetworkInput(40, Framing(1.0))(film)).mean() < 6


@pytest.mark.parametrize("context", [1.0, 1.4])
def test_a_store_holds_what_a_reading_sees(
    bright: BrightFinder, film_folder: Callable[..., Path], context: float
) -> None:
    dataset = scan(film_folder({"test": 2}))
    prepare = NetworkInput(24, Framing(), context)
    store = open_store(dataset, prepare)
    for row, film_id in enumerate(store.ids):
        np.testing.assert_array_equal(
            store.pixels[row], prepare(dataset.source.radiograph(film_id))
        )


def test_stores_of_different_framing_are_different(
    bright: BrightFinder, film_folder: Callable[..., Path]
) -> None:
    dataset = scan(film_folder({"test": 2}))
    folders = {
        open_store(dataset, prepare).folder
        for prepare in (24, NetworkInput(24, Framing()), NetworkInput(24, Framing(1.3)))
    }
    assert len(folders) == 3


@pytest.mark.parametrize("inverted", [False, True])
def test_an_xray_that_was_framed_is_freed_at_once(inverted: bool) -> None:
    """One that referred to itself would stay until garbage is collected: 12 MB each."""
    film = read_radiograph(samples()[0].path)
    if inverted:
        film = inverted_radiograph(film)
    FRAMED(film)
    gone = weakref.ref(film.pixels)
    gc.disable()
    try:
        del film
        assert gone() is None
    finally:
        gc.enable()
