"""A study's figures are those of the metrics, however they are reached."""

import numpy as np
import pytest

from pneumo_core.evaluation import Study, point_on
from pneumo_core.metrics import confusion, evaluate, predictive_values
from tests.evaluation.tables import scores

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(0, 2, 80).tolist()
P = np.clip(0.3 * np.array(LABELS) + RANDOM.uniform(0, 0.7, 80), 0, 1).round(2).tolist()


@pytest.fixture
def study() -> Study:
    return Study(scores(LABELS, P, patient=[f"p{row // 2}" for row in range(80)]))


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.77])
def test_figures_at_a_threshold_are_those_of_evaluate(study: Study, threshold: float) -> None:
    table = study.table
    whole = evaluate(table["label"], table["probability"], threshold, table["patient"])
    assert study.at(threshold) == whole


def test_every_film_lies_in_the_cell_it_is_counted_in(study: Study) -> None:
    predictions = study.predictions(0.5)
    counts = predictions["cell"].value_counts()
    assert confusion(study.labels, study.probabilities, 0.5).as_rows() == [
        [counts["tn"], counts["fp"]],
        [counts["fn"], counts["tp"]],
    ]


def test_predictive_values_are_those_of_the_rates(study: Study) -> None:
    found = study.at(0.5)
    expected = predictive_values(found.sensitivity.value, found.specificity.value, 0.1)
    ppv, npv = study.predictive_values(0.5, 0.1)
    assert (ppv.value, npv.value) == pytest.approx(expected)
    assert ppv.low < ppv.value < ppv.high
    assert npv.low < npv.value <= npv.high


@pytest.mark.parametrize("threshold", [0.0, 0.31, 0.5, 0.99])
def test_a_threshold_lies_on_the_curve_where_its_rates_are(study: Study, threshold: float) -> None:
    found = study.at(threshold)
    point = point_on(study.roc, threshold)
    expected = (1 - found.specificity.value, found.sensitivity.value)
    assert point == pytest.approx(expected)


def test_each_point_of_the_curve_knows_a_film_of_its_probability(study: Study) -> None:
    assert study.roc is not None
    film = study.table.set_index("id")["probability"]
    ids = study.ids_at(study.roc)
    assert ids[0] == "", "nobody is called ill there"
    for each, threshold in zip(ids[1:], study.roc.thresholds[1:], strict=True):
        assert film[each] == pytest.approx(threshold)


def test_one_class_alone_has_no_curves() -> None:
    study = Study(scores([1, 1, 1], [0.2, 0.5, 0.9]))
    assert study.roc is None
    assert study.precision_recall is None
    assert study.at(0.5).sensitivity.value == pytest.approx(2 / 3)
    assert point_on(study.roc, 0.5) is None


def test_films_without_a_label_play_no_part() -> None:
    study = Study(scores([1, 0, -1], [0.9, 0.1, 0.5]))
    assert study.at(0.5).n == 2
