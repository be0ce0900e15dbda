"""False alarms and misses by quartile, counted by hand."""

import numpy as np
import pandas as pd
import pytest

from pneumo_core.evaluation.shortcuts import (
    PROPERTIES,
    ByQuartile,
    Measured,
    by_quartile,
    quartile_sentence,
)
from pneumo_core.evaluation.shortcuts.quartiles import quartile_table
from pneumo_core.metrics import rate


def tables(values: np.ndarray, wrong: np.ndarray, label: int = 0) -> tuple[pd.DataFrame, Measured]:
    ids = [str(k) for k in range(len(values))]
    p = np.where(wrong == (label == 0), 0.9, 0.1)
    scores = pd.DataFrame({"id": ids, "split": "test", "label": label, "probability": p})
    properties = pd.DataFrame({"id": ids}).assign(**dict.fromkeys(PROPERTIES, np.nan))
    return scores, Measured(properties.assign(lung_height=values), {})


def cut(values: np.ndarray, wrong: np.ndarray, label: int = 0) -> ByQuartile:
    (found,) = by_quartile(*tables(values, wrong, label), 0.5)
    return found


def test_false_alarms_are_counted_in_the_quarters_of_the_normals() -> None:
    values = np.arange(40) / 40
    wrong = np.isin(np.arange(40), [5, 12, 13, 31, 32, 33, 34, 35, 36])
    found = cut(values, wrong)
    assert [each.errors for each in found.quarters] == [1, 2, 0, 6]
    assert [each.n for each in found.quarters] == [10, 10, 10, 10]
    assert found.quarters[3].rate == rate(6, 10)
    assert (found.quarters[0].low, found.quarters[0].high) == (0, 9 / 40)
    assert found.spread == pytest.approx(0.6)
    assert (
        quartile_sentence(found)
        == (
            "False alarms are most frequent (60%) in the highest quarter of lung height and least "
            "frequent (0%) in the third quarter. The intervals overlap: this may be chance."
        )
        or found.clear
    )


def test_a_rise_is_told_as_one() -> None:
    values, wrong = np.arange(400.0), np.zeros(400, bool)
    for quarter, errors in enumerate((5, 12, 17, 31)):
        wrong[100 * quarter : 100 * quarter + errors] = True
    found = cut(values, wrong)
    assert found.clear
    assert quartile_sentence(found) == (
        "False alarms rise from 5% to 31% from the lowest to the highest quarter of lung height."
    )
    misses = cut(-values, wrong, label=1)
    assert quartile_sentence(misses) == (
        "Misses fall from 31% to 5% from the lowest to the highest quarter of lung height."
    )


def test_equal_values_stay_in_one_part() -> None:
    values = np.repeat([0.0, 1.0], [30, 10])
    found = cut(values, values == 1)
    assert [(each.n, each.errors) for each in found.quarters] == [(30, 0), (10, 10)]
    assert "highest part of lung height" in quartile_sentence(found)


def test_a_property_that_is_the_same_and_few_films_are_left_out() -> None:
    assert not by_quartile(*tables(np.ones(40), np.zeros(40, bool)), 0.5)
    assert not by_quartile(*tables(np.arange(19.0), np.zeros(19, bool)), 0.5)


def test_what_was_not_measured_is_in_no_quarter() -> None:
    values = np.where(np.arange(40) % 4 == 0, np.nan, np.arange(40.0))
    found = cut(values, np.zeros(40, bool))
    assert (found.unmeasured, sum(each.n for each in found.quarters)) == (10, 30)
    assert "as frequent (0%) in every quarter" in quartile_sentence(found)


def test_the_clearest_rise_comes_first_and_labels_are_kept_apart() -> None:
    random = np.random.default_rng(0)
    scores, properties = tables(np.arange(200.0), np.arange(200) >= 150)
    ill, more = tables(np.arange(200.0), np.zeros(200, bool), label=1)
    both = pd.concat([scores, ill.assign(id="ill" + ill["id"])])
    table = pd.concat([properties.table, more.table.assign(id="ill" + more.table["id"])])
    found = by_quartile(both, Measured(table.assign(brightness=random.random(400)), {}), 0.5)
    assert (found[0].prop.key, found[0].label) == ("lung_height", 0)
    assert len(found) == 4
    rows = quartile_table(found)
    assert len(rows) == 16
    assert rows.iloc[3]["rate"] == 1
    assert set(rows["error"]) == {"false alarms", "misses"}
