"""A map is scaled to its film or to several, and lies upright over the film."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pneumo_core as pn
from pneumo_core.explanations import HeatMap, common_peaks, place_on_image
from pneumo_core.imaging import FileFacts, Radiograph
from pneumo_core.lungs import Box, ConfidenceLimits, NetworkInput


def heat_of(
    *parts: list[list[float]], method: str = "grad_cam", layer: str | None = None
) -> HeatMap:
    return HeatMap(tuple(np.array(part, np.float32) for part in parts), 1, method, layer)


STRONG = heat_of([[0, 1], [2, 4]])
WEAK = heat_of([[0, 0.5], [0, 1]])
NOTHING = heat_of([[0, 0], [0, 0]])


# --- scaled to this film -----------------------------------------------------------------------


def test_a_map_is_scaled_by_its_own_peak() -> None:
    assert STRONG.scaled().tolist() == [[0.0, 0.25], [0.5, 1.0]]
    assert STRONG.scaled().dtype == np.float32
    assert STRONG.peaks == (4.0,)


def test_no_evidence_stays_no_evidence() -> None:
    assert not NOTHING.found
    assert NOTHING.scaled().max() == NOTHING.over((5, 4)).max() == 0
    assert STRONG.found


def test_several_parts_are_averaged_on_the_finest_grid_by_hand() -> None:
    # One cell: all of it the highest. The means 1 + 0, 1 + 0.2, 1 + 0.4, 1 + 1 by the greatest, 2.
    both = heat_of([[3]], [[0, 0.2], [0.4, 1]])
    assert both.scaled() == pytest.approx(np.array([[0.5, 0.6], [0.7, 1.0]]))
    assert both.peaks == (3.0, 1.0)


def test_the_strongest_evidence_of_several_parts_is_one() -> None:
    assert heat_of([[1, 0]], [[0, 1]]).scaled().tolist() == [[1.0, 1.0]]


def test_the_units_of_a_part_do_not_weigh() -> None:
    loud, calm = heat_of([[0, 900, 450]], [[1, 0, 0]]), heat_of([[0, 9, 4.5]], [[1, 0, 0]])
    assert loud.scaled() == pytest.approx(calm.scaled())


def test_a_part_without_evidence_does_not_spoil_the_map() -> None:
    both = heat_of([[0, 0], [0, 0]], [[0, 1], [2, 4]])
    assert both.found
    assert both.scaled() == pytest.approx(STRONG.scaled())


# --- scaled to several films -------------------------------------------------------------------


def test_a_weak_map_stays_weak_beside_a_strong_one() -> None:
    peaks = common_peaks([WEAK, STRONG, NOTHING])
    assert peaks == (4.0,)
    assert WEAK.scaled(peaks).tolist() == [[0.0, 0.125], [0.0, 0.25]]
    assert STRONG.scaled(peaks).tolist() == STRONG.scaled().tolist()
    assert WEAK.over((50, 40), peaks).max() == pytest.approx(0.25)


def test_what_is_stronger_than_the_reference_is_cut_off() -> None:
    assert STRONG.scaled((2.0,)).tolist() == [[0.0, 0.5], [1.0, 1.0]]


def test_each_part_has_its_own_reference() -> None:
    one, other = heat_of([[8, 0]], [[0, 1]]), heat_of([[2, 0]], [[0, 4]])
    assert common_peaks([one, other]) == (8.0, 4.0)
    # 8/8 and 1/4, 2/8 and 4/4: halves of them, and not stretched again.
    assert one.scaled((8.0, 4.0)).tolist() == [[0.5, 0.125]]
    assert other.scaled((8.0, 4.0)).tolist() == [[0.125, 0.5]]


def test_films_without_any_evidence_have_none_together() -> None:
    assert NOTHING.scaled(common_peaks([NOTHING])).max() == 0


@pytest.mark.parametrize(
    "maps",
    [
        [],
        [STRONG, heat_of([[1]], method="activation")],
        [STRONG, heat_of([[1]], layer="conv 1")],
        [STRONG, heat_of([[1]], [[1]])],
    ],
    ids=["none", "method", "layer", "parts"],
)
def test_maps_that_do_not_compare_have_no_common_peaks(maps: list[HeatMap]) -> None:
    with pytest.raises(ValueError, match="only maps of one method, layer and model are comparable"):
        common_peaks(maps)


def test_every_part_needs_a_reference() -> None:
    with pytest.raises(ValueError, match="shorter"):
        heat_of([[1]], [[1]]).scaled((1.0,))


# --- over the film -----------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(300, 200), (21, 21), (1955, 1841), (5, 7)])
def test_a_map_lies_over_the_film(shape: tuple[int, int]) -> None:
    heat = HeatMap((np.random.default_rng(0).random((21, 21), dtype=np.float32),), 1, "grad_cam")
    over = heat.over(shape)
    assert (over.shape, over.dtype) == (shape, np.float32)
    assert over.min() >= 0
    assert over.max() <= 1


def test_a_map_is_upright_over_the_film() -> None:
    heat = heat_of([[0, 0, 0, 1], *[[0, 0, 0, 0]] * 3])  # top right
    over = heat.over((40, 80))
    row, column = np.unravel_index(over.argmax(), over.shape)
    assert row < 10
    assert column >= 60


# --- the share inside the lungs ------------------------------------------------------------------

FACTS = FileFacts("PNG", 112, 112, bits=8, colour=False)


class LeftFinder:
    """Finds lungs in the left half of every image, or in none."""

    identity = "left"
    limits = ConfidenceLimits()

    def __init__(self, *, found: bool) -> None:
        self._found = found

    def chances(self, images: np.ndarray) -> np.ndarray:
        chances = np.zeros(images.shape, np.float32)
        chances[..., : images.shape[-1] // 2] = self._found
        return chances


def placed(heat: HeatMap, use_finder: Callable[..., None], *, found: bool = True) -> HeatMap:
    """The map on a grey X-ray, by a network that sees all of it."""
    use_finder(LeftFinder(found=found))
    grey = Radiograph("film.png", np.full((112, 112), 0.5, np.float32), FACTS)
    return place_on_image(heat, grey, NetworkInput(112))


@pytest.mark.parametrize(
    ("cells", "share", "sentence"),
    [
        ([3, 1], 0.6875, "69 % of the heat map lies inside the lungs."),
        ([1, 1], 0.5, "50 % of the heat map lies inside the lungs."),
        (
            [1, 3],
            0.3125,
            "Only 31 % of the heat map lies inside the lungs. "
            "Do not take it as evidence of pneumonia.",
        ),
    ],
)
def test_the_share_inside_the_lungs_is_said_and_little_of_it_is_warned_of(
    cells: list[float], share: float, sentence: str, use_finder: Callable[..., None]
) -> None:
    """Of 3 and 1 the first, scaled to 1, falls to 1/3 over the middle half of the width.

    The area is 2/3, and that of the left half 1/6 + 2/3 · 7/16: 11/16 of it.
    """
    heat = placed(heat_of([cells]), use_finder)
    assert heat.inside_lungs == pytest.approx(share, abs=0.005)
    assert heat.lungs_sentence == sentence
    assert heat.lungs_warning == (sentence if share < 0.5 else "")
    assert heat.lungs_box == Box(0, 0, 1, 0.5)
    assert heat.to_dict()["lungs_box"] == {"top": 0, "left": 0, "bottom": 1, "right": 0.5}


def test_without_lungs_no_share_is_known(use_finder: Callable[..., None]) -> None:
    heat = placed(STRONG, use_finder, found=False)
    assert (heat.no_lungs, heat.mostly_outside) == (True, False)
    assert (heat.inside_lungs, heat.lungs_box, heat.to_dict()["lungs_box"]) == (None, None, None)
    assert heat.lungs_sentence == heat.lungs_warning
    assert heat.lungs_sentence.startswith("No lungs were found, so it is not known how much")


def test_an_empty_map_and_one_that_was_not_measured_have_nothing_to_say(
    use_finder: Callable[..., None],
) -> None:
    for found in (True, False):
        assert placed(NOTHING, use_finder, found=found).lungs_sentence == ""
    assert (STRONG.lungs_sentence, STRONG.lungs_box, STRONG.no_lungs) == ("", None, False)


# --- saved with the film ------------------------------------------------------------------------

LEFT_HALF = heat_of([[1, 0]])
GREY = np.full((80, 160), 128, np.uint8)


def saved(heat: HeatMap, folder: Path, probability: float | None = None) -> np.ndarray:
    """The pixels of a saved map, float64 (H, W, 3), which do not wrap around."""
    with Image.open(heat.save(folder / "deep" / "map.png", GREY, probability=probability)) as drawn:
        return np.asarray(drawn, np.float64)


def test_a_saved_map_is_the_film_with_colours_where_the_evidence_is(tmp_path: Path) -> None:
    picture = saved(LEFT_HALF, tmp_path)
    assert picture.shape == (*GREY.shape, 3)
    assert np.ptp(picture[:, 0], axis=-1).min() > 40, "coloured"
    assert (picture[:, -1] == 128).all(), "the film itself"


def test_a_saved_map_is_as_strong_as_the_probability_of_its_label(tmp_path: Path) -> None:
    assert (saved(LEFT_HALF, tmp_path, 0.0) == 128).all()
    np.testing.assert_array_equal(saved(LEFT_HALF, tmp_path, 1.0), saved(LEFT_HALF, tmp_path))
    faint, clear = (np.ptp(saved(LEFT_HALF, tmp_path, p), axis=-1).max() for p in (0.3, 0.9))
    assert 0 < faint < clear
    healthy = HeatMap(LEFT_HALF.parts, 0, "grad_cam")
    assert (saved(healthy, tmp_path, 1.0) == 128).all()


def test_a_saved_map_names_model_and_share_and_nothing_of_the_file(
    tmp_path: Path, use_finder: Callable[..., None]
) -> None:
    heat = replace(placed(heat_of([[1, 3]]), use_finder), model="mine", version="0a1b2c3d")
    Image.fromarray(GREY).save(tmp_path / "Musterfrau.png")
    with Image.open(heat.save(tmp_path / "map.png", tmp_path / "Musterfrau.png")) as drawn:
        told = drawn.text  # type: ignore[attr-defined]
    assert (told["Model"], told["Version"], told["Method"]) == ("mine", "0a1b2c3d", "grad_cam")
    assert float(told["Inside lungs"]) == pytest.approx(0.3125, abs=0.005)
    assert json.loads(told["Lungs box"])["right"] == 0.5
    assert told["Comment"] == heat.lungs_sentence
    assert "Musterfrau" not in f"{told}"


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_a_map_is_not_saved_with_a_strength_that_is_no_probability(
    tmp_path: Path, probability: float
) -> None:
    with pytest.raises(ValueError, match="not in \\[0, 1\\]"):
        saved(LEFT_HALF, tmp_path, probability)


def test_a_map_is_saved_as_png_only(tmp_path: Path) -> None:
    with pytest.raises(pn.PneumoError, match="PNG only"):
        LEFT_HALF.save(tmp_path / "map.jpg", GREY)
    assert not list(tmp_path.iterdir())
