from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import scan
from pneumo_core.errors import DatasetError
from pneumo_core.evaluation import CHANGES, evaluate_dataset, robustness

RAMP = np.tile(np.linspace(0, 1, 200, dtype=np.float32), (100, 1))


def test_every_change_gives_a_film_back():
    for change, apply in CHANGES.items():
        film = apply(RAMP)
        assert film.dtype == np.float32, change
        assert film.ndim == 2
        assert film.min() >= 0
        assert film.max() <= 1


def test_brightness_is_changed_by_fifteen_per_cent():
    assert CHANGES["15 % darker"](RAMP)[0, -1] == pytest.approx(0.85)
    assert CHANGES["15 % brighter"](RAMP)[0, 100] == pytest.approx(1.15 * RAMP[0, 100])


def test_a_crop_takes_a_twentieth_off_each_edge():
    np.testing.assert_array_equal(CHANGES["cropped by 5 % at each edge"](RAMP), RAMP[5:95, 10:190])


def test_a_rotation_leaves_the_centre_where_it_was():
    film = np.zeros((101, 101), np.float32)
    film[50, 50] = 1
    turned = CHANGES["rotated by 5°"](film)
    assert np.unravel_index(turned.argmax(), turned.shape) == (50, 50)


def test_unchanged_films_score_as_in_an_evaluation(
    checkpoint: Checkpoint, film_folder: Callable[..., Path]
):
    dataset = scan(film_folder({"test": 4}))
    (first, *others) = robustness(checkpoint, dataset)
    figures = evaluate_dataset(checkpoint, dataset, "all").figures
    assert first.change == "unchanged"
    assert first.confusion == figures.confusion
    assert first.auc == pytest.approx(figures.auc.value)
    assert [row.change for row in others] == list(CHANGES)[1:]


def test_films_that_cannot_be_read_are_left_out(
    checkpoint: Checkpoint, film_folder: Callable[..., Path]
):
    folder = film_folder({"test": 2})
    broken = sorted((folder / "test" / "NORMAL").iterdir())[0]
    broken.write_bytes(b"broken")
    assert all(row.confusion.n == 3 for row in robustness(checkpoint, scan(folder)))
    for film in folder.rglob("*.png"):
        film.write_bytes(b"broken")
    with pytest.raises(DatasetError, match="No X-ray of films can be read"):
        robustness(checkpoint, scan(folder))
