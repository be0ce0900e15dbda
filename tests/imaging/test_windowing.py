"""A film through other windows than its own."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.data import get_testdata_file

from pneumo_core.errors import UnreadableImage
from pneumo_core.imaging import PixelValues, Window, read_radiograph, read_values

VALUES = PixelValues(np.array([[0, 50, 100]], np.float32), inverted=False)


@pytest.mark.parametrize(
    ("window", "shown"),
    [
        (Window(50, 100, "", "linear_exact"), [0, 0.5, 1]),
        (Window(50, 50, "", "linear_exact"), [0, 0.5, 1]),
        (Window(100, 100, "", "linear_exact"), [0, 0, 0.5]),
        (Window(500, 10, "", "linear_exact"), [0, 0, 0]),
        (Window(-500, 10, "", "linear_exact"), [1, 1, 1]),
    ],
)
def test_a_window_maps_its_edges_to_black_and_white(window: Window, shown: list[float]) -> None:
    assert VALUES.through(window).tolist() == [shown]


def test_an_inverted_film_is_shown_bright_where_it_is_dense() -> None:
    film = PixelValues(VALUES.values, inverted=True)
    assert film.through(film.full_range()).tolist() == [[1, 0.5, 0]]


def test_a_window_leaves_the_values_as_they_were() -> None:
    VALUES.through(VALUES.full_range())
    assert VALUES.values.tolist() == [[0, 50, 100]]


def test_percentiles_leave_outliers_out() -> None:
    values = np.linspace(0, 1, 10_000, dtype=np.float32).reshape(100, 100).copy()
    values[0, 0], values[-1, -1] = -1000, 1000
    window = PixelValues(values, inverted=False).percentiles()
    assert window.center == pytest.approx(0.5, abs=0.01)
    assert window.width == pytest.approx(0.98, abs=0.01)


def test_one_value_everywhere_has_a_window_all_the_same() -> None:
    film = PixelValues(np.full((4, 4), 7, np.float32), inverted=False)
    assert np.isfinite(film.through(film.full_range())).all()
    assert film.percentiles().width > 0


@pytest.mark.parametrize("name", ["RG1_UNCR.dcm", "RG3_UNCR.dcm", "MR_small.dcm"])
def test_a_films_first_window_gives_what_the_model_reads(name: str) -> None:
    path = Path(str(get_testdata_file(name, download=False)))
    film = read_radiograph(path)
    seen = read_values(path).through(film.facts.windows[0])
    assert np.allclose(seen, film.pixels, atol=1e-6)


def test_what_is_no_film_is_refused_as_ever() -> None:
    with pytest.raises(UnreadableImage, match=r"notes\.txt"):
        read_values(b"not a film", name="notes.txt")
