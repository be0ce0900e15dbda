import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_core.errors import CheckpointError
from pneumo_core.gate.lung_check import lung_warnings
from pneumo_core.imaging import Radiograph, read_radiograph
from pneumo_core.lungs import (
    SIDE,
    NetworkInput,
    find_lungs,
    lung_finder,
    lung_finder_card,
    register_lung_finder,
)
from pneumo_core.lungs.box import Box, box_around
from pneumo_core.lungs.installed import _SHIPPED
from pneumo_core.models import Framing
from pneumo_core.reading import samples
from tests.lungs.bright import BrightFinder, radiograph

CHEST, LEG = (sample.path for sample in samples())


@pytest.fixture(scope="module")
def chest() -> Radiograph:
    return read_radiograph(CHEST)


def _turned(chest: Radiograph, degrees: float) -> Radiograph:
    image = Image.fromarray(chest.pixels).rotate(degrees, Image.Resampling.BILINEAR)
    return radiograph(np.array(image))


def test_an_adults_lungs_are_found_where_they_are(chest: Radiograph) -> None:
    lungs = find_lungs(chest)
    assert lungs.sure
    assert lungs.box is not None
    edges = (lungs.box.top, lungs.box.left, lungs.box.bottom, lungs.box.right)
    assert edges == pytest.approx((0.02, 0.05, 0.80, 0.92), abs=0.04)
    assert lungs.mask.shape == (SIDE, SIDE)
    assert 0.2 < lungs.mask.mean() < 0.5


@pytest.mark.parametrize("degrees", [-30, -10, 10, 30])
def test_a_turned_chest_still_has_lungs(chest: Radiograph, degrees: float) -> None:
    assert find_lungs(_turned(chest, degrees)).found


def test_an_inverted_chest_has_the_same_lungs(chest: Radiograph) -> None:
    mask = find_lungs(radiograph(1 - chest.pixels)).mask
    original = find_lungs(chest).mask
    assert 2 * (mask & original).sum() / (mask.sum() + original.sum()) > 0.9


def test_proportions_do_not_matter(chest: Radiograph) -> None:
    wide = Image.fromarray(chest.pixels).resize((1400, 700), Image.Resampling.BILINEAR)
    box, original = find_lungs(radiograph(np.array(wide))).box, find_lungs(chest).box
    assert box is not None
    assert original is not None
    assert box.height == pytest.approx(original.height, abs=0.02)


def test_a_leg_has_no_lungs() -> None:
    assert not find_lungs(read_radiograph(LEG)).found


@pytest.mark.parametrize("image", ["black", "white", "noise", "ramp"])
def test_what_is_no_xray_has_no_lungs(image: str) -> None:
    pixels = {
        "black": np.zeros((200, 200)),
        "white": np.ones((200, 200)),
        "noise": np.random.default_rng(0).random((200, 200)),
        "ramp": np.tile(np.linspace(0, 1, 200), (200, 1)),
    }[image]
    assert not find_lungs(radiograph(pixels.astype(np.float32))).found


def test_one_xray_is_looked_at_once(chest: Radiograph) -> None:
    assert find_lungs(chest) is find_lungs(chest)


def test_the_finder_ships_with_a_card_of_its_own() -> None:
    card = lung_finder_card()
    assert card["version"] == lung_finder().identity
    assert {"dice", "licence", "attribution", "data"} <= set(card)
    assert (_SHIPPED / "lungs.onnx").stat().st_size < 2e6


def _damage_graph(folder: Path) -> None:
    (folder / "lungs.onnx").write_bytes(b"damaged")


def _damage_card(folder: Path) -> None:
    limits = {"possible": "much", "sure": 0.9}
    (folder / "card.json").write_text(json.dumps({"version": "x", "confidence": limits}))


@pytest.mark.parametrize("damage", [shutil.rmtree, _damage_graph, _damage_card])
def test_a_finder_that_is_missing_or_damaged_is_a_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chest: Radiograph,
    damage: Callable[[Path], None],
) -> None:
    shutil.copytree(_SHIPPED, tmp_path, dirs_exist_ok=True)
    damage(tmp_path)
    monkeypatch.setenv("PNEUMO_LUNGS", str(tmp_path))
    with pytest.raises(CheckpointError, match="can't be used: .*Set PNEUMO_LUNGS to a folder"):
        find_lungs(chest)


def test_a_finder_in_a_folder_takes_the_place_of_the_shipped_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chest: Radiograph
) -> None:
    """A finder of one's own needs other confidences: here lungs count from 0.99999."""
    shutil.copytree(_SHIPPED, tmp_path / "mine")
    card = json.loads((_SHIPPED / "card.json").read_text())
    card |= {"version": "mine", "confidence": {"possible": 0.99999, "sure": 1.0}}
    (tmp_path / "mine/card.json").write_text(json.dumps(card))
    assert find_lungs(chest).found
    monkeypatch.setenv("PNEUMO_LUNGS", str(tmp_path / "mine"))
    assert lung_finder().identity == lung_finder_card()["version"] == "mine"
    assert not find_lungs(chest).found


def test_a_registered_finder_is_used_by_everything(
    chest: Radiograph, use_finder: Callable[..., None]
) -> None:
    """It frames inputs, its name is in their keys, and models of another finder are warned of."""
    framed = NetworkInput(32, Framing(1.1))
    before, key = framed(chest), framed.key
    finder = BrightFinder()
    use_finder(finder)
    again = read_radiograph(CHEST)
    np.testing.assert_array_equal(find_lungs(again).mask, find_lungs(again, finder=finder).mask)
    assert not np.array_equal(framed(again), before)
    assert "bright" in framed.key
    assert lung_finder_card() == {"version": "bright"}
    assert "another version of the lung finder" in lung_warnings(again, "6f0e7da9")[-1]
    register_lung_finder(None)
    assert framed.key == key


def test_edges_lie_between_pixels() -> None:
    chances = np.zeros((4, 8), np.float32)
    chances[1:3, 2:6] = 1
    assert box_around(chances) == Box(0.25, 0.25, 0.75, 0.75)


def test_the_edges_of_the_image_are_edges_of_a_box() -> None:
    assert box_around(np.ones((3, 5), np.float32)) == Box(0, 0, 1, 1)


def test_specks_far_from_the_lungs_do_not_count(bright: BrightFinder) -> None:
    pixels = np.zeros((SIDE, SIDE), np.float32)
    pixels[20:80, 20:80] = 1
    pixels[100:105, 100:105] = 1
    box = find_lungs(radiograph(pixels), finder=bright).box
    assert box == Box(20 / SIDE, 20 / SIDE, 80 / SIDE, 80 / SIDE)


def test_the_share_of_a_map_inside_the_lungs(bright: BrightFinder) -> None:
    pixels = np.zeros((SIDE, SIDE), np.float32)
    pixels[:, : SIDE // 2] = 1
    lungs = find_lungs(radiograph(pixels), finder=bright)
    heat = np.ones((50, 200), np.float32)
    assert lungs.share(heat) == pytest.approx(0.5)
    heat[:, 100:] = 0
    assert lungs.share(heat) == 1
    assert np.isnan(lungs.share(np.zeros((5, 5), np.float32)))
