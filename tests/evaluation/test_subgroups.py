"""Parts of the films by hand, and labels that the checkpoint contradicts."""

import math

from pneumo_core.evaluation import (
    SERIES,
    label_doubts,
    outlier_sentence,
    outliers,
    slice_columns,
    slices,
    with_series,
    worst_first,
)
from pneumo_core.metrics import rate
from tests.evaluation.tables import table


def test_a_slice_has_the_rates_of_its_films_the_smallest_first() -> None:
    films = table([1, 1, 1, 0, 0], [0.9, 0.1, 0.8, 0.7, 0.2], site=["a", "a", "b", "a", "a"])
    small, large = slices(films, 0.5, ["site"])
    assert (small.value, small.n, small.ill, small.sensitivity.value) == ("b", 1, 1, 1.0)
    assert math.isnan(small.specificity.value)
    assert (large.value, large.n, large.ill) == ("a", 4, 2)
    assert large.sensitivity == rate(1, 2)
    assert large.specificity == rate(1, 2)


def test_the_series_is_a_patients_name_without_its_number() -> None:
    names = ["person23", "IM-0115", "NORMAL2-IM-0381", "0007"]
    films = with_series(table([1, 0, 0, 1], [0.5] * 4, patient=names))
    assert films[SERIES].tolist() == ["person", "IM", "NORMAL2-IM", "(number)"]


def test_only_columns_that_cut_into_a_few_parts_are_offered() -> None:
    films = table(
        [0, 1] * 30, [0.5] * 60, site=["a", "b"] * 30, scan=list(range(60)), same=["x"] * 60
    )
    assert slice_columns(with_series(films)) == ["subtype", "site"]


def test_a_label_is_doubted_when_contradicted_as_surely_as_others_are_confirmed() -> None:
    """Ill films have 0.6 on average and normal ones 0.4: doubted from 0.6 on, and up to 0.4."""
    films = table([1, 1, 1, 0, 0, 0], [0.9, 0.8, 0.1, 0.1, 0.35, 0.75])
    found = label_doubts(films)
    assert found["id"].tolist() == ["test/film-2.png", "test/film-5.png"]
    assert found["confidence"].round(3).tolist() == [0.9, 0.75]


def test_one_class_alone_is_not_doubted() -> None:
    assert label_doubts(table([1, 1], [0.1, 0.9])).empty


def test_the_worst_mistake_comes_first_and_without_labels_the_most_suspicious() -> None:
    films = table([1, 0, -1, -1], [0.9, 0.3, 0.5, 0.95])
    found = worst_first(films)["id"].str[-5].tolist()
    assert found == ["3", "2", "1", "0"]


def test_a_subgroup_unlike_the_rest_is_named_and_chance_is_not() -> None:
    """Of 40 normal films of a, all are right; of 40 of b, 20: p < 0.001. Two films tell nothing."""
    films = table(
        [0] * 82, [0.1] * 60 + [0.9] * 20 + [0.1, 0.9], site=["a"] * 40 + ["b"] * 40 + ["c"] * 2
    )
    found = slices(films, 0.5, ["site"])
    assert [(each.slice.value, each.rate) for each in outliers(found)] == [
        ("a", "specificity"),
        ("b", "specificity"),
    ]
    assert "a has a specificity of > 0.999" in outlier_sentence(found)
    alike = slices(table([0, 0, 1, 1], [0.1, 0.9, 0.9, 0.1], site=["a", "b"] * 2), 0.5, ["site"])
    assert outlier_sentence(alike) == "No subgroup clearly differs from the others."


def test_two_subgroups_that_differ_from_each_other_are_told_once() -> None:
    films = table([0] * 80, [0.1] * 60 + [0.9] * 20, site=["a"] * 40 + ["b"] * 40)
    told = outlier_sentence(slices(films, 0.5, ["site"]))
    assert told.count("specificity") == 1
