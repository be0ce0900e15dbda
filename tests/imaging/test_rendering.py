"""Pictures: what is covered, what stays as it was."""

import numpy as np
import pytest

from pneumo_core.imaging import (
    colour_scale,
    contour_lines,
    display_pixels,
    heat_layer,
    jpeg,
    overlay,
    png,
)

FILM = np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8)
NONE = np.zeros_like(FILM)
FULL = np.ones_like(FILM)


def test_where_there_is_no_heat_the_film_stays_untouched() -> None:
    heat = NONE.copy()
    heat[2, 3] = 1
    shown = overlay(FILM, heat, 0.7)
    grey = np.rint(FILM * 255).astype(np.uint8)
    untouched = heat == 0
    for channel in range(3):
        assert np.array_equal(shown[..., channel][untouched], grey[untouched])
    assert len(set(shown[2, 3].tolist())) > 1, "what is hot has a colour"


def test_an_overlay_of_opacity_0_is_the_film() -> None:
    assert np.array_equal(overlay(FILM, FULL, 0.0), overlay(FILM, NONE, 1.0))


def test_full_heat_at_full_opacity_hides_the_film() -> None:
    shown = overlay(FILM, FULL, 1.0)
    assert shown.shape == (6, 8, 3)
    assert shown.dtype == np.uint8
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) == 1


def test_the_colours_grow_lighter_with_heat() -> None:
    """Perceptually uniform: over black, luminance rises with heat and never falls."""
    heat = np.linspace(0, 1, 256, dtype=np.float32)[np.newaxis]
    shown = overlay(np.zeros_like(heat), heat, 1.0)[0].astype(float)
    luminance = shown @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > -1).all()


def test_the_scale_shows_what_the_overlay_does() -> None:
    assert np.array_equal(np.unique(colour_scale(0.0)), [128])
    assert len(np.unique(colour_scale(1.0).reshape(-1, 3), axis=0)) > 200


@pytest.mark.parametrize(
    ("shape", "shown"),
    [((2000, 1000), (1024, 512)), ((1000, 3000), (341, 1024)), ((64, 80), (64, 80))],
)
def test_a_film_is_shrunk_for_the_browser_and_never_blown_up(
    shape: tuple[int, int], shown: tuple[int, int]
) -> None:
    pixels = display_pixels(np.full(shape, 0.5, np.float32))
    assert pixels.shape == shown
    assert np.allclose(pixels, 0.5)


def test_a_layer_over_a_film_looks_like_the_overlay() -> None:
    heat = np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8)
    layer = heat_layer(heat).astype(np.float32)
    assert layer.shape == (6, 8, 4)
    cover = layer[..., 3:] / 255 * 0.7
    laid = FILM[..., np.newaxis] * 255 * (1 - cover) + layer[..., :3] * cover
    assert np.abs(laid - overlay(FILM, heat, 0.7)).max() < 2.5, "but for rounding"


def test_lines_run_where_heat_crosses_their_level() -> None:
    """A ridge from left to right: half way up is a quarter from either edge."""
    heat = np.tile(1 - np.abs(np.linspace(-1, 1, 101)), (101, 1)).astype(np.float32)
    lines = contour_lines(heat, (0.5, 2.0))
    assert lines[2.0] == []
    inner = np.concatenate(lines[0.5])
    inside = inner[(inner[:, 1] > 0.02) & (inner[:, 1] < 0.98)]
    assert np.allclose(np.minimum(inside[:, 0], 1 - inside[:, 0]), 0.25, atol=0.01)


def test_a_line_that_meets_the_edge_goes_along_it() -> None:
    (line,) = contour_lines(np.ones((4, 4), np.float32), (0.5,))[0.5]
    assert np.allclose(line[0], line[-1]), "closed"
    assert line.min() < 0.1
    assert line.max() > 0.9


def test_files_hold_the_picture() -> None:
    from io import BytesIO

    from PIL import Image

    shown = np.asarray(Image.open(BytesIO(png(FILM))))
    assert np.array_equal(shown, np.rint(FILM * 255).astype(np.uint8))
    assert np.abs(np.asarray(Image.open(BytesIO(jpeg(FILM)))).astype(int) - shown).max() < 12
