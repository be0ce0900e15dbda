"""Normal draws give what a bootstrap of patients gives, within its Monte-Carlo error."""

import numpy as np
import pandas as pd
import pytest

from pneumo_core.metrics import (
    MANY_PATIENTS,
    Draws,
    NormalDraws,
    Resampling,
    auc_estimate,
    brier_estimate,
    draws_of,
    ece_estimate,
    evaluate,
    f1_estimate,
)

PATIENTS = 3000


@pytest.fixture(scope="module")
def scores() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities and patients: one to five X-rays each, alike within a patient."""
    random = np.random.default_rng(3)
    patient = np.repeat(np.arange(PATIENTS), random.integers(1, 6, PATIENTS))
    ill = random.random(PATIENTS) < 0.4
    own = random.normal(1.6 * ill - 0.9, 1)
    logit = own[patient] + random.normal(0, 0.6, len(patient))
    return ill[patient].astype(int), 1 / (1 + np.exp(-logit)), patient


ESTIMATES = {
    "auc": auc_estimate,
    "ece": ece_estimate,
    "brier": brier_estimate,
    "f1": lambda y, p, d: f1_estimate(y, p, 0.5, d),
}


@pytest.mark.parametrize("figure", ESTIMATES)
def test_both_ends_agree_with_the_bootstrap(scores, figure: str):
    labels, probabilities, patients = scores

    def estimate(draws: Draws):
        return ESTIMATES[figure](labels, probabilities, draws)

    drawn = estimate(Resampling.of(patients, repeats=2000))
    normal = estimate(NormalDraws.of(patients, repeats=20_000))
    assert normal.value == drawn.value
    half = (drawn.high - drawn.low) / 2
    # An end of 2,000 draws is known to 6 % of half the interval, at two standard errors 12 %.
    assert normal.low == pytest.approx(drawn.low, abs=0.12 * half)
    assert normal.high == pytest.approx(drawn.high, abs=0.12 * half)


def test_small_sets_are_resampled_and_large_ones_are_not():
    few = np.arange(MANY_PATIENTS - 1)
    assert isinstance(draws_of(few, repeats=2), Resampling)
    assert isinstance(draws_of(np.arange(MANY_PATIENTS), repeats=2), NormalDraws)
    assert isinstance(draws_of(np.repeat(few[:9], MANY_PATIENTS), repeats=2), Resampling)


def test_a_clear_separation_has_newcombe_s_interval():
    labels = np.repeat([0, 1], MANY_PATIENTS)
    found = evaluate(labels, labels * 0.8 + 0.1, 0.5, np.arange(len(labels)))
    assert found.auc.value == 1.0
    assert 0.999 < found.auc.low < 1.0


def test_patients_are_counted_by_their_names():
    draws = NormalDraws.of(pd.Series(["b", "a", "b"]).to_numpy())
    assert draws.patients == 2
    assert draws.patients_of([True, False, True]) == 1
