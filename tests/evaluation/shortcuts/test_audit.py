"""What an audit says of tables of properties whose answer is known."""

import json

import numpy as np
import pandas as pd
import pytest

from pneumo_core.datasets import Dataset
from pneumo_core.evaluation.shortcuts import (
    PROPERTIES,
    Audit,
    Measured,
    Separation,
    advice,
    audit,
    separation_sentence,
    shift_sentence,
    summary,
)
from pneumo_core.metrics import area_under_roc

N = 60

pytestmark = pytest.mark.usefixtures("few_trees")


def films(split: str, label: int, n: int = N) -> pd.DataFrame:
    ids = [f"{split}/{label}/{k}" for k in range(n)]
    patients = [f"{split}{label}-{k // 2}" for k in range(n)]
    table = pd.DataFrame({"id": ids, "path": ids, "split": split, "label": label})
    return table.assign(subtype="", patient=patients, digest=ids)


def dataset(*parts: pd.DataFrame) -> Dataset:
    return Dataset("made", pd.concat(parts, ignore_index=True), None)  # type: ignore[arg-type]


def measured(of: Dataset, **columns: np.ndarray) -> Measured:
    """Properties by their key; those that are not given were not measured."""
    table = pd.DataFrame({"id": of.films["id"]}).assign(**dict.fromkeys(PROPERTIES, np.nan))
    return Measured(table.assign(**columns), {})


def one(found: Audit, key: str, split: str = "train") -> Separation:
    (each,) = [e for e in found.separations if (e.prop.key, e.split) == (key, split)]
    return each


@pytest.fixture(scope="module")
def made() -> Dataset:
    return dataset(*(films(split, label) for split in ("train", "test") for label in (0, 1)))


@pytest.fixture(scope="module")
def found(made: Dataset, few_trees: None) -> Audit:
    """Lungs fill 0.6 of train normals and 0.75 of all others; brightness tells nothing."""
    random = np.random.default_rng(3)
    tight = ~((made.films["split"] == "train") & (made.films["label"] == 0)).to_numpy()
    height = np.where(tight, 0.75, 0.60) + random.normal(0, 0.02, len(made))
    return audit(made, measured(made, lung_height=height, brightness=random.random(len(made))))


def test_a_property_that_is_the_label_has_auc_1_and_noise_has_none(found: Audit) -> None:
    told = one(found, "lung_height")
    assert told.auc.value > 0.99
    assert (told.higher, told.level, told.measured) == (1, "strong", (N, N))
    assert told.medians == pytest.approx((0.60, 0.75), abs=0.01)
    assert one(found, "brightness").level == "none"
    assert one(found, "lung_height", "test").level == "none"
    assert found.separations[0] == told, "the largest first"


def test_the_direction_is_told_and_not_counted(made: Dataset) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=len(made)) - made.films["label"].to_numpy()
    down = one(audit(made, measured(made, contrast=values)), "contrast")
    up = one(audit(made, measured(made, contrast=-values)), "contrast")
    rows = (made.films["split"] == "train").to_numpy()
    order = np.argsort(np.argsort(-values[rows])) / rows.sum()
    by_hand = area_under_roc(made.films["label"][rows], order)
    assert down.auc.value == pytest.approx(by_hand)
    assert (down.auc.value, down.auc.low) == pytest.approx((up.auc.value, up.auc.low))
    assert (down.higher, up.higher) == (0, 1)
    assert down.auc.low < down.auc.value < down.auc.high


def test_films_of_one_patient_are_no_evidence_of_their_own() -> None:
    of = dataset(films("train", 0), films("train", 1))
    values = np.random.default_rng(5).normal(size=2 * N) + of.films["label"].to_numpy()
    alone = of.with_films(of.films.assign(patient=of.films["id"]))
    copies = np.repeat(values[::10], 10)
    tens = of.with_films(of.films.assign(patient=of.films["id"].str.slice(0, -1)))
    narrow = one(audit(alone, measured(alone, contrast=copies)), "contrast").auc
    wide = one(audit(tens, measured(tens, contrast=copies)), "contrast").auc
    assert wide.value == narrow.value
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low), "ten copies are one X-ray"


def test_properties_tell_together_what_none_tells_alone(made: Dataset) -> None:
    random = np.random.default_rng(1)
    one_sign = random.choice([-1.0, 1.0], len(made))
    other = one_sign * np.where(made.films["label"] == 1, 1, -1)
    table = measured(made, brightness=one_sign, contrast=other)
    result = audit(made, table)
    assert all(each.auc.value < 0.7 for each in result.separations)
    assert all(each.auc.value > 0.95 for each in result.together)


def test_a_shift_of_normals_towards_the_ill_foretells_false_alarms(found: Audit) -> None:
    shift = found.shifts[0]
    assert (shift.prop.key, shift.split, shift.label) == ("lung_height", "test", 0)
    assert (shift.towards, shift.level) == (1, "strong")
    assert shift.medians == pytest.approx((0.60, 0.75), abs=0.01)
    told = shift_sentence(shift)
    assert "The test normal X-rays differ from the train normal X-rays in lung height" in told
    assert "median 75% against 60%" in told
    assert "more false alarms there" in told
    assert told in summary(found)
    others = [each for each in found.shifts if each is not shift]
    assert all(each.level == "none" for each in others)


def test_a_property_that_only_shifts_is_telling_too(made: Dataset) -> None:
    random = np.random.default_rng(7)
    test = (made.films["split"] == "test").to_numpy()
    found = audit(made, measured(made, contrast=test + random.normal(0, 0.1, len(made))))
    assert {each.level for each in found.separations} == {"none"}
    assert [each.split for each in found.clear_shifts] == ["test", "test"], "one of each label"
    assert [each.key for each in found.telling] == ["contrast"]


def test_the_sentences_say_what_tells_the_label(found: Audit) -> None:
    first = summary(found)[0]
    assert first.startswith("Train: the label can be predicted without the lungs.")
    assert "lung height alone reaches" in first
    assert "PNEUMONIA has the higher values (medians: NORMAL 60%, PNEUMONIA 75%)" in (
        separation_sentence(one(found, "lung_height"))
    )
    assert any(each.startswith("Not measured: lung width") for each in summary(found))


def test_what_is_the_same_everywhere_or_measured_nowhere_is_listed(made: Dataset) -> None:
    found = audit(made, measured(made, jpeg_quality=np.full(len(made), 75.0)))
    assert [each.key for each in found.constant] == ["jpeg_quality"]
    assert len(found.unmeasured) == len(PROPERTIES) - 1
    assert not found.separations
    assert np.isnan(found.together[0].auc.value)


def test_what_is_the_same_in_every_x_ray_is_said_to_tell_nothing(made: Dataset) -> None:
    same = {"width_over_height": np.ones(len(made)), "pixels": np.full(len(made), 224.0**2)}
    values = np.random.default_rng(0).random(len(made))
    told = audit(made, measured(made, brightness=values, **same)).summary()
    assert (
        "The same in every X-ray where it was measured, so the value tells nothing: "
        "width / height, the number of pixels." in told
    )
    varied = audit(made, measured(made, brightness=values)).summary()
    assert not any("tells nothing" in sentence for sentence in varied)


def test_few_films_or_one_label_give_sentences_and_no_number() -> None:
    few = dataset(films("train", 0, 3), films("train", 1, 3))
    found = audit(few, measured(few, brightness=np.arange(6.0)))
    assert "too few X-rays" in separation_sentence(found.separations[0])
    assert "too few patients" in summary(found)[0]
    single = dataset(films("train", 0, 3))
    assert summary(audit(single, measured(single, brightness=np.arange(3.0)))) == [
        "No split has X-rays of both labels, so there is nothing to compare."
    ]


def test_missing_values_are_left_out_of_one_property_alone(made: Dataset) -> None:
    height = np.where(np.arange(len(made)) % 3 == 0, np.nan, made.films["label"])
    found = audit(made, measured(made, lung_height=height))
    assert one(found, "lung_height").measured == (40, 40)
    assert one(found, "lung_height").auc.value == 1


def test_the_table_and_the_json_hold_every_figure(found: Audit) -> None:
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert len(told["label"]) == len(found.separations) == 4
    assert told["label"][0]["higher_in"] == "PNEUMONIA"
    assert set(told["properties"]) == set(PROPERTIES), "also those that were not measured"
    assert told["properties"]["colour"] == {
        "title": "Stored in colour",
        "means": PROPERTIES["colour"].means,
        "remedy": "Convert every X-ray to grey before training.",
        "may_be_disease": "",
    }
    table = found.table()
    rows = table[table["kind"] != "all together"]
    for column, field in (("means", "means"), ("remedy", "remedy"), ("may_be_disease", "disease")):
        by_hand = [getattr(PROPERTIES[key], field) for key in rows["property"]]
        assert list(rows[column]) == by_hand
    assert len(table) == len(found.separations) + len(found.together) + len(found.shifts)
    assert table["auc"].iloc[0] == found.separations[0].auc.value


def test_every_property_says_what_it_means_and_what_to_do() -> None:
    for prop in PROPERTIES.values():
        for sentence in advice(prop):
            assert sentence[0].isupper()
            assert sentence.endswith(".")
