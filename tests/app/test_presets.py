"""How a film can be shown, and that showing it changes nothing else."""

from pathlib import Path

import numpy as np
from pydicom.data import get_testdata_file

from pneumo_core.app.reading_room.window_presets import AS_READ, OWN, apply_preset, preset_names
from pneumo_core.imaging import FileFacts, PixelValues, Radiograph, Window

VALUES = PixelValues(np.array([[0, 50, 100]], np.float32), inverted=False)


def facts(*windows: Window, kind: str = "DICOM") -> FileFacts:
    return FileFacts(kind, 3, 1, 8, colour=False, windows=windows)


def radiograph(*windows: Window) -> Radiograph:
    return Radiograph("f", np.array([[0.1, 0.2, 0.3]], np.float32), facts(*windows))


def window(center: float, width: float, name: str) -> Window:
    return Window(center, width, name, "linear_exact")


def test_the_files_own_windows_come_before_ours() -> None:
    names = preset_names(facts(window(1, 1, "HARD"), window(1, 2, "SOFT"), window(1, 3, "SOFT")))
    assert names == [AS_READ, "SOFT", "SOFT (3)", "Full range", "Percentiles 1 to 99", OWN]


def test_a_plain_picture_has_no_values_to_set_a_window_in() -> None:
    assert OWN not in preset_names(facts(kind="PNG"))


def test_each_name_shows_its_own_window() -> None:
    film = radiograph(window(50, 100, "A"), window(25, 50, "B"), window(75, 50, "B"))
    assert apply_preset(film, VALUES, AS_READ) is film.pixels
    assert apply_preset(film, VALUES, "B").tolist() == [[0, 1, 1]]
    assert apply_preset(film, VALUES, "B (3)").tolist() == [[0, 0, 1]]
    assert apply_preset(film, VALUES, "Full range").tolist() == [[0, 0.5, 1]]
    assert apply_preset(film, VALUES, OWN, (50, 100)).tolist() == [[0, 0, 1]]


def test_a_window_that_calls_itself_like_ours_is_still_told_apart() -> None:
    film = radiograph(window(1, 1, "A"), window(75, 50, "Full range"))
    assert preset_names(film.facts)[1] == "Full range (2)"
    assert apply_preset(film, VALUES, "Full range (2)").tolist() == [[0, 0, 1]]


def test_pydicoms_chest_film_has_names_for_all_it_offers() -> None:
    from pneumo_core.imaging import read_radiograph, read_values

    path = Path(str(get_testdata_file("RG1_UNCR.dcm", download=False)))
    film, values = read_radiograph(path), read_values(path)
    for name in preset_names(film.facts):
        shown = apply_preset(film, values, name, (0, 1000))
        assert shown.shape == film.pixels.shape
        assert 0 <= shown.min() <= shown.max() <= 1
