"""The picture taken away: the film, with heat where the evidence was."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from pneumo_core.explanations import HeatMap
from pneumo_core.imaging import overlay
from pneumo_core.reports import Overlay, Result, to_png
from pneumo_core.reports.overlays import LONGEST
from tests.reports.conftest import HEAT, MOSTLY_OUTSIDE, NO_LUNGS, Make, film, heat_map


def picture(result: Result, *, legend: bool = False) -> np.ndarray:
    image = Image.open(BytesIO(to_png(result, legend=legend)))
    assert (image.format, image.mode) == ("PNG", "RGB")
    return np.asarray(image).astype(int)


def test_without_a_map_it_is_the_film_pixel_for_pixel(make: Make) -> None:
    shown = picture(make(overlay=None))
    grey = np.rint(film().pixels * 255).astype(int)
    for channel in range(3):
        assert np.array_equal(shown[..., channel], grey)


def test_it_is_the_overlay_that_the_page_shows(make: Make) -> None:
    """Drawn in bands, and the same as drawn at once."""
    tall = film(700, 90)
    shown = picture(make(tall, overlay=Overlay(heat_map(), opacity=0.7)))
    assert np.array_equal(shown, overlay(tall.pixels, heat_map().over((700, 90)), 0.7))


def test_the_heat_is_where_the_evidence_was(make: Make) -> None:
    change = np.abs(picture(make()) - picture(make(overlay=None))).sum(axis=2)
    row, column = np.unravel_index(change.argmax(), change.shape)
    assert int(row) // 24 == 1
    assert int(column) // 20 == 2
    assert change[:, :20].max() == 0, "the left quarter has no evidence"


def test_a_contour_lies_around_the_evidence_and_leaves_the_film_alone(make: Make) -> None:
    bare = picture(make(overlay=None))
    shown = picture(make(overlay=Overlay(heat_map(), contour=True)))
    changed = (shown != bare).any(axis=2)
    assert 0 < changed.mean() < 0.15
    assert not changed[36, 50], "the middle of the evidence stays visible"
    rows, columns = np.nonzero(changed)
    assert rows.min() > 20
    assert rows.max() < 52
    assert columns.min() > 36
    assert columns.max() < 64


def test_the_inner_line_lies_inside_the_outer_one(make: Make) -> None:
    large = film(640, 640)
    shown = picture(make(large, overlay=Overlay(heat_map(), contour=True)))
    pale, strong = ((shown == colour).all(axis=2) for colour in ((255, 217, 138), (255, 176, 0)))
    for axis in (0, 1):
        outer, inner = np.nonzero(pale.any(axis))[0], np.nonzero(strong.any(axis))[0]
        assert outer[0] < inner[0] < inner[-1] < outer[-1]


def test_a_mirrored_film_has_a_mirrored_picture(make: Make) -> None:
    plain = picture(make(film(96, 96)))
    turned = make(overlay=Overlay(heat_map(HEAT[:, ::-1].copy())))
    heat_only = np.abs(plain - picture(make(film(96, 96), overlay=None))).sum(axis=2) > 0
    mirrored = np.abs(picture(turned) - picture(make(overlay=None))).sum(axis=2) > 0
    assert np.array_equal(heat_only.any(axis=1), mirrored.any(axis=1))
    assert np.argmax(mirrored.any(axis=0)) < np.argmax(heat_only.any(axis=0))


def test_little_evidence_is_faint(make: Make) -> None:
    bare = picture(make(overlay=None))
    change = [
        np.abs(picture(make(overlay=Overlay(heat_map(), strength=each))) - bare).sum()
        for each in (1.0, 0.3, 0.0)
    ]
    assert change[0] == np.abs(picture(make()) - bare).sum(), "full strength is the map as it is"
    assert change[0] > change[1] > change[2] == 0
    lines = Overlay(heat_map(), contour=True, strength=0.3)
    assert np.array_equal(picture(make(overlay=lines)), bare), "no line at half of full strength"


def test_each_label_has_a_hue_of_its_own(make: Make) -> None:
    normal = HeatMap((HEAT,), 0, "grad_cam")
    bare = picture(make(overlay=None))
    for contour in (False, True):
        ill = picture(make(overlay=Overlay(heat_map(), contour=contour))) - bare
        well = picture(make(overlay=Overlay(normal, contour=contour))) - bare
        redder = (ill[..., 0] - ill[..., 2]).sum(), (well[..., 0] - well[..., 2]).sum()
        assert redder[0] > 0 > redder[1]


def test_no_evidence_changes_nothing(make: Make) -> None:
    none = heat_map(np.zeros((4, 4), np.float32))
    for contour in (False, True):
        shown = picture(make(overlay=Overlay(none, contour=contour)))
        assert np.array_equal(shown, picture(make(overlay=None)))


def test_a_huge_film_is_brought_down_in_proportion(make: Make) -> None:
    height, width, _ = picture(make(film(3200, 1600))).shape
    assert (height, width) == (LONGEST, LONGEST // 2)


@pytest.mark.parametrize("shape", [(64, 64), (500, 300), (900, 1400)])
def test_a_legend_stands_below_the_film(make: Make, shape: tuple[int, int]) -> None:
    shown = picture(make(film(*shape)), legend=True)
    height, width, _ = shown.shape
    assert width == max(720, shape[1])
    bottom = round(shape[0] * width / shape[1])
    strip = shown[bottom:]
    assert 60 < height - bottom < width / 3
    assert strip[0].max() == strip[-1].max() == 0, "nothing touches its edges"
    assert strip[:, 0].max() == strip[:, -1].max() == 0
    assert (strip.max(axis=2) > 150).mean() > 0.01, "it has letters"


@pytest.mark.parametrize("look", [MOSTLY_OUTSIDE, NO_LUNGS], ids=["outside", "no lungs"])
def test_the_legend_has_a_line_more_for_a_map_outside_the_lungs(make: Make, look: Overlay) -> None:
    warned = picture(make(overlay=look), legend=True)
    quiet = picture(make(overlay=Overlay(heat_map())), legend=True)
    assert len(warned) > len(quiet)
    below = warned[len(quiet) - 15 :]
    assert (np.ptp(below.astype(int), axis=2) > 100).any(), "in colour"
    assert below[:, 0].max() == below[-1].max() == 0, "nothing touches its edges"


def test_the_share_inside_the_lungs_travels_inside_the_file(make: Make) -> None:
    told = Image.open(BytesIO(to_png(make(overlay=MOSTLY_OUTSIDE)))).text  # type: ignore
    assert told["Title"].startswith("Grad-CAM, evidence for PNEUMONIA, 41 % inside the lungs: ")
    assert told["Inside lungs"] == "0.4123"
    assert told["Comment"].startswith("Only 41 % of the heat map lies inside the lungs.")


def test_the_words_travel_inside_the_file(make: Make) -> None:
    told = Image.open(BytesIO(to_png(make(name="患者.png", deidentify=False)))).text  # type: ignore
    assert told["Title"] == "Grad-CAM, evidence for PNEUMONIA: 患者.png"
    assert told["Description"].startswith("Signs of pneumonia likely, probability 0.930")
    assert "model cnn_94 version" in told["Software"]
    assert told["Disclaimer"] == "Research use only. Not a medical device."
