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
    evaluate,
    expected_calibration_error,
    f1_estimate,
    interval,
    predictive_estimates,
    predictive_value_estimates,
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
    draws = np.array([np.nan, 0.25, np.nan, 0.75])
    assert interval(draws) == pytest.approx((0.2625, 0.7375))


# --- few films, and draws that don't vary ----------------------------------------------------


@pytest.mark.parametrize("draws", [np.ones(50), np.full(3, np.nan), np.array([])])
def test_draws_that_do_not_vary_are_no_interval(draws: np.ndarray) -> None:
    assert np.isnan(interval(draws)).all()


def test_one_film_of_each_label_says_next_to_nothing() -> None:
    """Newcombe's method 5: 1 - θ = z √(θ (1 - θ)), so θ = 1 / (1 + z²)."""
    found = auc_estimate([0, 1], [0.2, 0.8], Resampling.of(["a", "b"]))
    assert (found.low, found.high) == pytest.approx((1 / (1 + 1.959964**2), 1.0))
    assert str(found) == "> 0.999 (0.207–1)"


def test_labels_told_apart_without_a_mistake_have_an_interval_that_films_narrow() -> None:
    lows = []
    for n in (3, 30, 300):
        labels = np.repeat([0, 1], n)
        found = auc_estimate(labels, labels / 2 + 0.2, Resampling.of(np.arange(2 * n)))
        assert found.value == found.high == 1.0
        lows.append(found.low)
    assert lows[0] < 0.6 < lows[1] < 0.97 < lows[2] < 1.0


def test_the_films_of_one_patient_count_as_one() -> None:
    labels, p = np.tile([0, 1], 30), np.tile([0.2, 0.8], 30)
    alone, one = (auc_estimate(labels, p, Resampling.of(g)) for g in (np.arange(60), ["a"] * 60))
    assert one.low < 0.25 < 0.9 < alone.low


@pytest.mark.parametrize("groups", [list("abcd"), list("aabb"), list("aaaa")])
def test_fewer_than_five_patients_are_not_drawn(groups: list[str]) -> None:
    draws = Resampling.of(groups)
    labels, p = [0, 1, 0, 1], [0.1, 0.6, 0.7, 0.9]
    for estimate in (ece_estimate, brier_estimate):
        assert np.isnan(estimate(labels, p, draws).low)
    assert auc_estimate(labels, p, draws).low < 0.4


def test_f1_of_calls_that_are_all_right_is_bounded_by_the_films_behind_it() -> None:
    labels = np.repeat([0, 1], 10)
    found = f1_estimate(labels, labels * 0.8, 0.5, Resampling.of(np.arange(20)))
    share = 10 / (10 + 1.959964**2)  # Wilson's lower end of 10 of 10
    assert (found.low, found.high) == pytest.approx((2 * share / (1 + share), 1.0))


def test_predictive_values_of_calls_that_are_all_right_have_a_bound() -> None:
    labels = np.repeat([0, 1], 10)
    draws = Resampling.of(np.arange(20))
    ppv, npv = predictive_estimates(labels, labels * 0.8, 0.5, 0.1, draws)
    assert ppv.value == npv.value == 1.0
    assert (ppv, npv) == predictive_value_estimates(1.0, 1.0, 0.1, ill=10, healthy=10)
    assert 0.1 < ppv.low < 0.9 < npv.low < 1.0


@pytest.mark.parametrize("n", range(1, 8))
def test_no_figure_of_few_films_has_an_interval_without_width(n: int) -> None:
    labels = np.repeat([0, 1], n)
    for p in (labels * 0.9, 0.9 - labels * 0.8):
        figures = evaluate(labels, p, 0.5, np.arange(2 * n))
        for name in ("auc", "accuracy", "sensitivity", "specificity", "f1", "ece"):
            found = getattr(figures, name)
            assert np.isnan(found.low) or found.low < found.high, (name, found)


def test_groups_must_name_the_films_at_hand() -> None:
    with pytest.raises(ValueError, match="the resampling is for 2 X-rays, not 10"):
        auc_estimate(LABELS, SCORES, Resampling.of(["a", "b"]))
