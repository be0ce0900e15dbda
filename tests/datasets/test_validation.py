"""The cut by patient: nobody on both sides, the asked share, the same cut every time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumo_core.datasets import MIN_VALIDATION, Dataset, scan
from pneumo_core.datasets.dataset import COLUMNS
from pneumo_core.datasets.validation import ensure_validation, placeholders


class _Undecoded:
    """A source that must not be asked: cutting looks at the table alone."""

    def radiograph(self, film_id: str) -> None:
        raise AssertionError(film_id)


def dataset(*rows: tuple[str, str, int], pictures: dict[int, str] | None = None) -> Dataset:
    """Films (split, patient, label), one row each; ``pictures`` gives rows the same digest."""
    films = pd.DataFrame(
        [
            (
                f"{i}",
                f"/{i}.png",
                split,
                label,
                "",
                patient,
                (pictures or {}).get(i, f"picture {i}"),
            )
            for i, (split, patient, label) in enumerate(rows)
        ],
        columns=list(COLUMNS),
    )
    return Dataset("films", films, _Undecoded())  # type: ignore[arg-type]


def people(n: int, *, prefix: str = "person", label: int = 1, films: int = 1) -> list:
    """Train films of the patients prefix1 … prefixN."""
    return [("train", f"{prefix}{k + 1}", label) for k in range(n) for _ in range(films)]


def patients(data: Dataset, split: str) -> set[str]:
    return set(data.films.loc[data.films["split"] == split, "patient"])


# --- what is cut -----------------------------------------------------------------------------


@pytest.mark.parametrize("cut", ["late", "early", "random"])
@settings(max_examples=30)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=60),
    labels=st.lists(st.integers(0, 1), min_size=60, max_size=60),
    fraction=st.sampled_from([0.05, 0.12, 0.3]),
)
def test_no_patient_is_on_both_sides(
    cut: str, sizes: list[int], labels: list[int], fraction: float
) -> None:
    rows = [("train", f"p{k}", labels[k]) for k, size in enumerate(sizes) for _ in range(size)]
    before = dataset(*rows)
    after = ensure_validation(before, cut=cut, fraction=fraction)  # type: ignore[arg-type]
    assert patients(after, "train").isdisjoint(patients(after, "val"))
    unchanged = [column for column in COLUMNS if column != "split"]
    pd.testing.assert_frame_equal(after.films[unchanged], before.films[unchanged])


@pytest.mark.parametrize("cut", ["late", "early", "random"])
def test_each_class_gives_its_share(cut: str) -> None:
    data = dataset(*people(200), *people(100, prefix="IM-", label=0))
    counts = ensure_validation(data, cut=cut, fraction=0.1).counts()  # type: ignore[arg-type]
    assert counts.loc["val"].tolist() == [10, 20]
    assert counts.loc["train"].tolist() == [90, 180]


def test_the_share_counts_films_and_patients_stay_whole() -> None:
    # 20 patients of three films: a tenth is six films, two patients.
    data = ensure_validation(dataset(*people(20, films=3)), fraction=0.1)
    assert patients(data, "val") == {"person19", "person20"}
    assert data.counts().loc["val"].sum() == 6


def test_late_takes_the_highest_numbers_of_every_series() -> None:
    data = dataset(
        *people(30),
        *people(20, prefix="IM-", label=0),
        *people(10, prefix="NORMAL2-IM-", label=0),
    )
    assert patients(ensure_validation(data, fraction=0.1), "val") == {
        *("person28", "person29", "person30"),
        *("IM-19", "IM-20"),
        "NORMAL2-IM-10",
    }


def test_early_takes_the_lowest_numbers_of_every_series() -> None:
    data = dataset(*people(30), *people(20, prefix="IM-", label=0))
    assert patients(ensure_validation(data, cut="early", fraction=0.1), "val") == {
        *("person1", "person2", "person3"),
        *("IM-1", "IM-2"),
    }


def test_numbers_are_numbers_not_words() -> None:
    rows = [("train", f"person{k}", 1) for k in (9, 10, 100, 20, 3, 1, 2, 4, 5, 6)]
    assert patients(ensure_validation(dataset(*rows), fraction=0.1), "val") == {"person100"}


def test_names_that_form_no_series_are_cut_in_hashed_order() -> None:
    # Names like digests: most end in a number that counts nothing, each a "series" of its own.
    random = np.random.default_rng(0)
    names = {random.bytes(8).hex() for _ in range(400)}
    rows = [("train", name, k % 2) for k, name in enumerate(sorted(names))]
    after = ensure_validation(dataset(*rows), fraction=0.1)
    assert after.counts().loc["val"].tolist() == pytest.approx([20, 20], abs=4)


def test_the_seed_decides_the_random_cut_alone() -> None:
    data = dataset(*people(100))

    def cut(how: str, seed: int) -> set[str]:
        return patients(ensure_validation(data, cut=how, seed=seed), "val")  # type: ignore[arg-type]

    assert cut("random", 1) == cut("random", 1) != cut("random", 2)
    assert cut("late", 1) == cut("late", 2)


@pytest.mark.parametrize("cut", ["late", "early", "random"])
def test_the_order_of_the_films_changes_nothing(cut: str) -> None:
    data = dataset(*people(60), *people(40, prefix="IM-", label=0))
    shuffled = data.with_films(data.films.sample(frac=1, random_state=0))
    first, second = (
        patients(ensure_validation(each, cut=cut), "val")  # type: ignore[arg-type]
        for each in (data, shuffled)
    )
    assert first == second


def test_identical_pictures_stay_together() -> None:
    # The last two go to val; person2 has a picture of person30's, and another one of person5's.
    rows = [*people(30), ("train", "person2", 1)]
    pictures = {29: "same", 1: "same", 30: "other", 4: "other"}
    after = ensure_validation(dataset(*rows, pictures=pictures), fraction=0.04)
    assert patients(after, "val") == {"person29", "person30", "person2", "person5"}


def test_the_only_patient_of_a_class_stays_in_train() -> None:
    after = ensure_validation(dataset(*people(1), *people(30, prefix="IM-", label=0)))
    assert "person1" in patients(after, "train")


def test_where_nothing_can_be_cut_the_note_says_why() -> None:
    after = ensure_validation(dataset(*people(1, films=9), *people(1, prefix="IM-", label=0)))
    assert after.counts().loc["val"].sum() == 0
    assert after.notes[0].startswith("No validation split could be cut from train")


# --- when it is cut --------------------------------------------------------------------------


def test_a_usable_validation_split_is_kept() -> None:
    data = dataset(*people(10), *[("val", f"q{k}", k % 2) for k in range(MIN_VALIDATION)])
    assert ensure_validation(data) is data


def test_a_tiny_validation_split_joins_train_first() -> None:
    rows = [*people(99), *[("val", "person1000", 1)] * (MIN_VALIDATION - 1), ("test", "t", 1)]
    after = ensure_validation(dataset(*rows), fraction=0.1)
    assert patients(after, "val") == {"person1000"}
    assert patients(after, "test") == {"t"}
    assert after.notes == (
        "The validation split had only 99 X-rays: 99 X-rays were cut from train by patient "
        "(the highest numbers of each series).",
    )


def test_what_was_done_is_noted() -> None:
    (note,) = ensure_validation(dataset(*people(100)), cut="random", fraction=0.1).notes
    assert note == (
        "The validation split was missing: 10 X-rays were cut from train by patient "
        "(in hashed order)."
    )


def test_films_to_test_alone_are_left_alone() -> None:
    data = dataset(("test", "a", 0), ("val", "b", 1))
    assert ensure_validation(data) is data


# --- the real films --------------------------------------------------------------------------


@pytest.mark.real_data
def test_the_public_set_is_cut_without_sharing_a_patient_or_a_picture(real_data: Path) -> None:
    data = scan(real_data)
    films = data.films
    assert patients(data, "train") & patients(data, "val") == set()
    digests = films.groupby("split")["digest"].agg(set)
    assert digests["train"] & digests["val"] == set()
    counts = data.counts()
    assert counts.loc["test"].tolist() == [234, 390]
    assert (counts.loc["train"] + counts.loc["val"]).tolist() == [1341, 3875]
    share = counts.loc["val"] / (counts.loc["train"] + counts.loc["val"])
    assert share.tolist() == pytest.approx([0.12, 0.12], abs=0.01)


# --- the dataset's own validation split -------------------------------------------------------


def with_own(n: int, label: int | None = None) -> Dataset:
    """200 train films of both labels, and so many validation films of both or of one."""
    own = [("val", f"own{k}", k % 2 if label is None else label) for k in range(n)]
    return dataset(*people(100), *people(100, prefix="IM-", label=0), *own)


def test_a_small_split_of_both_labels_is_kept_and_its_size_told() -> None:
    data = ensure_validation(with_own(16))
    assert patients(data, "val") == {f"own{k}" for k in range(16)}
    assert data.cut is None
    (note,) = data.notes
    assert "8 NORMAL and 8 PNEUMONIA X-rays" in note
    assert "as low as 0.68" in note, "Wilson's interval of 8 of 8 begins at 8 / (8 + 1.96²)"


@pytest.mark.parametrize("n", [1, 16, 150])
def test_a_split_of_one_label_is_replaced(n: int) -> None:
    data = ensure_validation(with_own(n, label=1))
    assert "IM-100" in patients(data, "val")
    assert data.as_found().counts().loc["val"].tolist() == [0, n]


def test_a_large_split_is_kept_without_a_word() -> None:
    data = with_own(MIN_VALIDATION)
    assert ensure_validation(data) is data


@pytest.mark.parametrize(("validation", "chosen"), [("late", "IM-100"), ("early", "IM-1")])
@pytest.mark.parametrize("own", [0, 16, 150])
def test_a_cut_that_is_asked_for_replaces_any_split(validation: str, chosen: str, own: int) -> None:
    data = ensure_validation(with_own(own), validation=validation)  # type: ignore[arg-type]
    assert chosen in patients(data, "val")
    asked = "joined train, as asked" if own else "was missing"
    assert data.cut is not None
    assert asked in data.cut.note


def test_the_rule_of_older_checkpoints_replaces_small_splits_alone() -> None:
    small, large = (
        ensure_validation(with_own(n), validation="large", cut="early") for n in (16, 100)
    )
    assert "IM-1" in patients(small, "val")
    assert small.cut is not None
    assert "had only 16 X-rays" in small.cut.note
    assert patients(large, "val") == {f"own{k}" for k in range(100)}


# --- placeholders ----------------------------------------------------------------------------


@pytest.mark.parametrize("cut", ["late", "early", "random"])
def test_one_picture_with_every_patient_ties_nobody_together(cut: str) -> None:
    rows = [*people(100), *people(100, prefix="IM-", label=0)]
    pictures = dict.fromkeys(range(200, 400), "black")
    data = ensure_validation(dataset(*rows, *rows, pictures=pictures), cut=cut)  # type: ignore[arg-type]
    assert data.counts().loc["val"].tolist() == pytest.approx([24, 24], abs=2)
    assert patients(data, "train").isdisjoint(patients(data, "val"))


def test_a_placeholder_whose_name_is_its_own_patient_ties_nobody_either() -> None:
    rows = people(60) + people(60, prefix="blank")
    data = dataset(*rows, pictures=dict.fromkeys(range(60, 120), "black"))
    assert placeholders(data.films) == {"black"}
    assert ensure_validation(data).counts().loc["val"].sum() == pytest.approx(15, abs=2)


def test_films_that_were_copied_several_times_are_no_placeholders() -> None:
    rows = [("train", f"copy {k} of {film}", 1) for film in range(60) for k in range(6)]
    data = dataset(*rows, pictures={row: f"picture {row // 6}" for row in range(360)})
    assert placeholders(data.films) == set()
    after = ensure_validation(data, cut="random").films
    digests = after.groupby("split")["digest"].agg(set)
    assert digests["train"].isdisjoint(digests["val"])
