"""Negatives and turned X-rays are recognised by their lungs, and read as the X-ray itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.gate import lung_check
from pneumo_core.gate.lung_check import (
    INVERTED,
    TURNED,
    lung_warnings,
    quarters_to_upright,
)
from pneumo_core.imaging import Radiograph, read_radiograph
from pneumo_core.imaging.orientation import inverted_radiograph, turned_radiograph
from pneumo_core.lungs import Lungs, is_inverted
from pneumo_core.lungs.box import Box, box_around
from pneumo_core.reading import Reader, open_reader, samples
from tests.conftest import WHOLE
from tests.lungs.bright import radiograph


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """The default model that ships."""
    monkeypatch.setenv("PNEUMO_CHECKPOINTS", str(Path(__file__).parents[2] / "checkpoints"))
    return open_reader("pneumo")


def real_films(folder: Path, one_in: int) -> list[Radiograph]:
    files = sorted((folder / "test").glob("*/*"))
    return [read_radiograph(file) for file in files[:: 1 if WHOLE else one_in]]


def test_no_real_film_is_taken_for_inverted_and_its_negative_always_is(real_data: Path) -> None:
    films = real_films(real_data, 6)
    assert len(films) >= 100
    assert not [film.name for film in films if is_inverted(film)]
    assert not [film.name for film in films if not is_inverted(inverted_radiograph(film))]


def test_a_picture_without_lungs_is_not_taken_for_inverted() -> None:
    assert not is_inverted(radiograph(np.full((64, 64), 0.5, np.float32)))


def test_the_default_model_reads_a_negative_as_the_film_and_says_so(
    reader: Reader, real_data: Path
) -> None:
    for film in real_films(real_data, 60):
        straight, corrected = reader.read(film), reader.read(inverted_radiograph(film))
        assert corrected.probability == pytest.approx(straight.probability, abs=0.01)
        assert (straight.inverted, corrected.inverted) == (False, True)
        assert corrected.warnings == (INVERTED, *straight.warnings)
        shown = corrected.as_read(inverted_radiograph(film))
        np.testing.assert_allclose(shown.pixels, film.pixels, atol=1e-6)


def test_the_adult_sample_too(reader: Reader) -> None:
    (chest,) = (read_radiograph(each.path) for each in samples() if each.title == "Chest")
    straight, corrected = reader.read(chest), reader.read(inverted_radiograph(chest))
    assert (straight.inverted, corrected.inverted) == (False, True)
    assert corrected.probability == pytest.approx(straight.probability, abs=0.01)


@pytest.mark.parametrize("turned", [0, 1, 2, 3])
def test_the_way_up_is_known_of_nearly_all_real_films(real_data: Path, turned: int) -> None:
    films = [turned_radiograph(film, turned) for film in real_films(real_data, 8)]
    found = [quarters_to_upright(film) for film in films]
    wrong = sum(quarters != -turned % 4 for quarters in found)
    assert wrong <= (0 if turned == 0 else 1)
    assert len(found) > 70


def test_an_inverted_film_is_upright_too(real_data: Path) -> None:
    films = real_films(real_data, 16)
    assert {quarters_to_upright(inverted_radiograph(film)) for film in films} == {0}


@pytest.mark.parametrize("turned", [1, 2, 3])
def test_the_default_model_refuses_a_turned_film_and_reads_it_upright_when_asked(
    reader: Reader, real_data: Path, turned: int
) -> None:
    film = real_films(real_data, 60)[3]
    straight, refused = reader.read(film), reader.read(turned_on_disk(film, turned))
    assert (refused.status, refused.reasons) == ("refused", (TURNED[4 - turned],))
    reading = reader.read(turned_on_disk(film, turned), rotate=True)
    assert reading.probability == pytest.approx(straight.probability, abs=0.01)


def turned_on_disk(film: Radiograph, quarters: int) -> Radiograph:
    """A film that was turned to the left before it was stored."""
    return Radiograph(film.name, turned_radiograph(film, quarters).pixels, film.facts)


def _half_hidden(film: Radiograph) -> Radiograph:
    pixels = film.pixels.copy()
    pixels[len(pixels) // 2 :] = 1
    return replace(film, pixels=pixels)


def _upper(film: Radiograph, part: float) -> Radiograph:
    return replace(film, pixels=film.pixels[: round(len(film.pixels) * part)])


def test_lungs_whose_lower_half_is_hidden_get_a_warning(real_data: Path) -> None:
    films = real_films(real_data, 12)
    hidden = [lung_warnings(_half_hidden(film)) for film in films]
    assert sum(map(bool, hidden)) > 0.7 * len(films)
    assert sum(bool(lung_warnings(film)) for film in films) <= 1


def test_lungs_whose_bases_are_cut_off_get_a_warning(real_data: Path) -> None:
    films = real_films(real_data, 12)
    cut = [lung_warnings(_upper(film, 2 / 3)) for film in films]
    assert sum("cut off" in " ".join(each) for each in cut) > 0.7 * len(films)


def test_the_samples_lungs_are_complete_until_they_are_hidden() -> None:
    (chest,) = (read_radiograph(each.path) for each in samples() if each.title == "Chest")
    assert not lung_warnings(chest)
    assert "short for their width" in " ".join(lung_warnings(_half_hidden(chest)))


@pytest.mark.parametrize(("height", "low"), [(112, True), (224, False)])
def test_a_tall_x_ray_shows_more_than_the_chest(
    monkeypatch: pytest.MonkeyPatch, height: int, low: bool
) -> None:
    lungs = Lungs(np.zeros((112, 112), bool), Box(0.1, 0.1, 0.5, 0.9), 0.97)
    monkeypatch.setattr(lung_check, "find_lungs", lambda _: lungs)
    told = lung_warnings(radiograph(np.full((height, 112), 0.5, np.float32)))
    assert any("short for their width" in each for each in told) == low


@pytest.mark.parametrize(("last", "cut"), [(112, True), (111, False)])
def test_lungs_are_cut_where_they_lie_on_the_lower_edge(
    monkeypatch: pytest.MonkeyPatch, last: int, cut: bool
) -> None:
    mask = np.zeros((112, 112), bool)
    mask[20:last, 20:50] = mask[20:last, 60:90] = True
    lungs = Lungs(mask, box_around(mask.astype(np.float32)), 0.97)
    monkeypatch.setattr(lung_check, "find_lungs", lambda _: lungs)
    told = lung_warnings(radiograph(np.full((112, 112), 0.5, np.float32)))
    assert any("cut off" in each for each in told) == cut


def test_without_the_image_check_an_image_without_lungs_is_warned_of(reader: Reader) -> None:
    (leg,) = (read_radiograph(each.path) for each in samples() if each.title != "Chest")
    told = " ".join(replace(reader, gate=False).read(leg).warnings)
    assert "No lungs were found in this image, so the model saw the whole of it" in told
    assert "outline of the lungs is uncertain" not in told
