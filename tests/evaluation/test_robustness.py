from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import scan
from pneumo_core.errors import DatasetError
from pneumo_core.evaluation import (
    CHANGES,
    CORRUPTIONS,
    SEVERITIES,
    corruption_robustness,
    evaluate_dataset,
    robustness,
)
from pneumo_core.evaluation.corruptions import at_benchmark_size

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


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_is_the_same_each_time_and_grows_with_its_severity(name: str):
    random = np.random.default_rng(0)
    film = np.clip(RAMP + random.normal(scale=0.05, size=RAMP.shape), 0, 1).astype(np.float32)
    corrupted = [CORRUPTIONS[name].apply(film, severity) for severity in SEVERITIES]
    again = [CORRUPTIONS[name].apply(film, severity) for severity in SEVERITIES]
    np.testing.assert_array_equal(corrupted, again)
    assert {each.dtype for each in corrupted} == {np.dtype(np.float32)}
    assert min(each.min() for each in corrupted) >= 0
    assert max(each.max() for each in corrupted) <= 1
    changes = [np.abs(each - film).mean() for each in corrupted]
    assert 0 < changes[0] < changes[4]


def test_noise_has_the_strength_of_its_severity():
    grey = np.full((224, 224), 0.5, np.float32)
    spread = [CORRUPTIONS["Gaussian noise"].apply(grey, each).std() for each in SEVERITIES]
    assert spread == pytest.approx([0.04, 0.05, 0.06, 0.07, 0.08], rel=0.02)
    hit = CORRUPTIONS["impulse noise"].apply(grey, 5) != 0.5
    assert hit.mean() == pytest.approx(0.02, rel=0.1)


def test_a_severity_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="Choose 1 to 5"):
        CORRUPTIONS["JPEG"].apply(RAMP, 0)


def test_large_films_are_scaled_to_the_size_of_the_benchmark():
    assert at_benchmark_size(np.zeros((448, 672), np.float32)).shape == (224, 336)
    assert at_benchmark_size(RAMP) is RAMP


def test_corrupted_films_are_scored_at_every_severity(
    checkpoint: Checkpoint, film_folder: Callable[..., Path]
):
    dataset = scan(film_folder({"test": 2}))
    clean, rows = corruption_robustness(checkpoint, dataset)
    assert [row.corruption for row in rows] == list(CORRUPTIONS)
    assert [each.change for each in rows[0].by_severity] == [f"pixelate {n}" for n in SEVERITIES]
    assert clean.confusion == robustness(checkpoint, dataset)[0].confusion
    counts = clean.confusion
    assert clean.balanced_accuracy == (counts.sensitivity + counts.specificity) / 2
    assert rows[0].mean(lambda _each: 2) == 2
