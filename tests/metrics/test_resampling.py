"""Draws of whole patients: what a draw holds, and that its figures are those of its films."""

import numpy as np
import pytest

from pneumo_core.metrics import (
    Resampling,
    area_under_roc,
    auc_estimate,
    brier_estimate,
    brier_score,
    confusion,
    ece_estimate,
    expected_calibration_error,
    f1_estimate,
    interval,
)

LABELS = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
SCORES = np.array([0.1, 0.4, 0.4, 0.8, 0.9, 0.2, 0.5, 0.6, 0.4, 0.95])
PATIENTS = list("aabbbcdefg")


def films_of(draws: Resampling, number: int) -> np.ndarray:
    """Rows of the films in one draw, each as often as it was drawn."""
    return np.repeat(np.arange(len(LABELS)), draws.drawn[number, draws.group_of])


def test_a_draw_holds_whole_patients_as_many_as_there_are() -> None:
    draws = Resampling.of(PATIENTS, repeats=50)
    assert (draws.drawn.sum(axis=1) == 7).all()
    for number in range(50):
        drawn = np.bincount(films_of(draws, number), minlength=10)
        assert drawn[0] == drawn[1]
        assert drawn[2] == drawn[3] == drawn[4]


def test_a_draws_area_is_that_of_its_films() -> None:
    draws = Resampling.of(PATIENTS, repeats=50)
    areas = draws.areas_under_roc(LABELS, SCORES)
    for number, area in enumerate(areas):
        rows = films_of(draws, number)
        expected = area_under_roc(LABELS[rows], SCORES[rows])
        assert area == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("estimate", "figure"),
    [
        (auc_estimate, area_under_roc),
        (ece_estimate, expected_calibration_error),
        (brier_estimate, brier_score),
        (
            lambda labels, p, draws: f1_estimate(labels, p, 0.5, draws),
            lambda labels, p: confusion(labels, p, 0.5).f1,
        ),
    ],
)
def test_an_estimate_is_the_figure_and_the_interval_of_its_draws(estimate, figure) -> None:
    draws = Resampling.of(PATIENTS, repeats=100)
    found = estimate(LABELS, SCORES, draws)
    rows = [films_of(draws, number) for number in range(100)]
    drawn = np.array([figure(LABELS[each], SCORES[each]) for each in rows])
    assert found.value == figure(LABELS, SCORES)
    assert (found.low, found.high) == pytest.approx(interval(drawn))


def test_films_that_repeat_patients_widen_the_interval() -> None:
    labels, p = np.tile(LABELS, 8), np.tile(SCORES, 8)
    film = np.arange(len(labels))
    alone, together = (
        f1_estimate(labels, p, 0.5, Resampling.of(groups)) for groups in (film, film % 10)
    )
    # Eight copies of ten films tell as much as ten films: about √8 times as wide.
    assert 2.2 < (together.high - together.low) / (alone.high - alone.low) < 3.6


def test_the_same_seed_gives_the_same_draws() -> None:
    first, second, other = (Resampling.of(PATIENTS, repeats=9, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first.drawn, second.drawn)
    assert not np.array_equal(first.drawn, other.drawn)


def test_draws_without_a_figure_are_left_out() -> None:
    # Half of the draws of two patients hold one class alone.
    found = auc_estimate([0, 1], [0.2, 0.8], Resampling.of(["a", "b"]))
    assert (found.low, found.high) == (1.0, 1.0)


def test_groups_must_name_the_films_at_hand() -> None:
    with pytest.raises(ValueError, match="groups name 2 films, not 10"):
        auc_estimate(LABELS, SCORES, Resampling.of(["a", "b"]))
