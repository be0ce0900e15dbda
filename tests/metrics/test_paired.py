"""Two checkpoints on the same films: tables worked out by hand, and what must hold for any."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumo_core.metrics import area_under_roc, clustered_area, compare_areas, mcnemar

# Three ill and two normal films, ranked by two checkpoints.
LABELS = [1, 1, 1, 0, 0]
FIRST = [0.9, 0.8, 0.3, 0.5, 0.1]
SECOND = [0.6, 0.4, 0.7, 0.5, 0.3]
ALONE = list("abcde")


def test_areas_by_hand() -> None:
    """Shares won: ill (1, 1, 1/2), normal (2/3, 1) for the first; (1, 1/2, 1), (2/3, 1) after it.

    Variances 1/12 and 1/18 about 5/6 each, so 1/36 + 1/36 = 1/18 an area; the ill films' shares
    covary by -1/24, the normal films' by 1/18, so the difference varies by 2/18 - 2 (-1/72 + 1/36).
    """
    found = compare_areas(LABELS, FIRST, SECOND, ALONE)
    assert (found.first.value, found.second.value) == pytest.approx((5 / 6, 5 / 6))
    half = 1.959964 * math.sqrt(1 / 18)
    assert found.first.low == pytest.approx(5 / 6 - half)
    assert found.first.high == 1
    assert found.difference.value == pytest.approx(0)
    half = 1.959964 * math.sqrt(2 / 18 - 2 * (-1 / 72 + 1 / 36))
    assert found.difference.high == pytest.approx(half)
    assert found.p == pytest.approx(1)


def by_definition(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """The variance of the difference as DeLong et al. write it, by loops."""
    ill, normal = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)

    def won(p: np.ndarray, i: int, j: int) -> float:
        return 1.0 if p[i] > p[j] else 0.5 if p[i] == p[j] else 0.0

    def parts(p: np.ndarray) -> tuple[list[float], list[float]]:
        over_normal = [sum(won(p, i, j) for j in normal) / len(normal) for i in ill]
        over_ill = [sum(won(p, i, j) for i in ill) / len(ill) for j in normal]
        return over_normal, over_ill

    (ill_a, normal_a), (ill_b, normal_b) = parts(first), parts(second)
    variance = 0.0
    for a, b, n in ((ill_a, ill_b, len(ill)), (normal_a, normal_b, len(normal))):
        s = np.cov(a, b)
        variance += (s[0, 0] + s[1, 1] - 2 * s[0, 1]) / n
    return variance


def test_areas_as_the_paper_defines_them() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 60)
    first = np.round(0.3 * labels + random.uniform(0, 0.7, 60), 1)
    second = np.round(0.2 * labels + random.uniform(0, 0.8, 60), 1)
    found = compare_areas(labels, first, second, range(60))
    assert found.first.value == pytest.approx(area_under_roc(labels, first))
    assert found.second.value == pytest.approx(area_under_roc(labels, second))
    half = found.difference.high - found.difference.value
    assert half == pytest.approx(1.959964 * math.sqrt(by_definition(labels, first, second)))


def test_copies_of_a_patients_film_tell_nothing_new() -> None:
    """Five copies of each film under its patient's name: nearly the interval of the films."""
    random = np.random.default_rng(1)
    labels = random.integers(0, 2, 200)
    first = 0.4 * labels + random.uniform(0, 0.6, 200)
    second = 0.2 * labels + random.uniform(0, 0.8, 200)
    once = compare_areas(labels, first, second, range(200))
    copies = [np.tile(each, 5) for each in (labels, first, second, np.arange(200))]
    again, careless = compare_areas(*copies), compare_areas(*copies[:3], range(1000))
    assert again.difference.low == pytest.approx(once.difference.low, abs=1e-3)
    assert careless.difference.low > once.difference.low + 0.02


def test_a_checkpoint_does_not_differ_from_itself() -> None:
    found = compare_areas(LABELS, FIRST, FIRST, ALONE)
    assert found.difference.value == found.difference.low == found.difference.high == 0
    assert math.isnan(found.p)


@given(st.lists(st.tuples(*[st.integers(0, 9)] * 2), min_size=4, max_size=20))
def test_who_comes_first_changes_the_sign_alone(scores: list[tuple[int, int]]) -> None:
    labels = [0, 1, *itertools.islice(itertools.cycle([0, 1]), len(scores) - 2)]
    first, second = (np.array(each) / 10 for each in zip(*scores, strict=True))
    found = compare_areas(labels, first, second, range(len(labels)))
    swapped = compare_areas(labels, second, first, range(len(labels)))
    assert found.difference.value == pytest.approx(-swapped.difference.value)
    assert found.p == pytest.approx(swapped.p, nan_ok=True)


def test_areas_need_both_classes() -> None:
    with pytest.raises(ValueError, match="both classes"):
        compare_areas([1, 1], [0.1, 0.2], [0.1, 0.2], "ab")


def test_mcnemar_by_hand() -> None:
    """Eight films only the first calls rightly, one only the second: 2 (1 + 9) / 2⁹."""
    labels = np.ones(20, int)
    first, second = labels.copy(), labels.copy()
    second[:8], first[8] = 0, 0
    found = mcnemar(labels, first, second)
    assert (found.only_first, found.only_second) == (8, 1)
    assert found.p == pytest.approx(20 / 512)


def test_mcnemar_of_agreeing_checkpoints() -> None:
    assert mcnemar([0, 1, 1], [0, 1, 0], [0, 1, 0]).p == 1
    even = mcnemar([1, 1], [1, 0], [0, 1])
    assert (even.only_first, even.only_second, even.p) == (1, 1, 1)


def test_calls_must_be_of_the_same_films() -> None:
    with pytest.raises(ValueError, match="differ in shape"):
        mcnemar([0, 1], [0, 1], [0, 1, 1])


def test_two_that_make_no_mistake_on_few_films_are_not_said_to_be_equal() -> None:
    labels = np.repeat([0, 1], 6)
    random = np.random.default_rng(0)
    first, second = (labels / 2 + random.uniform(0, 0.4, 12) for _ in range(2))
    found = compare_areas(labels, first, second, np.arange(12))
    assert found.difference.value == 0
    assert np.isnan([found.difference.low, found.p]).all()
    assert 0.5 < found.first.low < 0.9


def test_two_patients_do_not_tell_two_checkpoints_apart() -> None:
    labels, p = np.tile([0, 1], 20), np.random.default_rng(1).uniform(size=(2, 40))
    found = compare_areas(labels, *p, np.repeat(["a", "b"], 20))
    assert np.isnan([found.difference.low, found.p]).all()


def test_the_area_alone_has_the_interval_that_a_comparison_gives_it() -> None:
    random = np.random.default_rng(2)
    labels = random.integers(0, 2, 60)
    p = np.clip(0.3 * labels + random.random(60) * 0.7, 0, 1)
    patients = np.arange(60) // 3
    assert clustered_area(labels, p, patients) == compare_areas(labels, p, p, patients).first
