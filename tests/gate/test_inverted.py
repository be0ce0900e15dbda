"""A negative of an X-ray is recognised by its lungs, corrected, and read as the X-ray itself."""

from pathlib import Path

import numpy as np
import pytest

from pneumo_core.gate.lung_check import INVERTED, is_inverted
from pneumo_core.gate.orientation import inverted_radiograph
from pneumo_core.imaging import Radiograph, read_radiograph
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
