"""The cut by patient: nobody on both sides, the asked share, the same cut every time."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumo_core.data import MIN_VALIDATION, Dataset, scan
from pneumo_core.data.dataset import COLUMNS
from pneumo_core.data.validation import ensure_validation


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


# --- when it is cut --------------------------------------------------------------------------


def test_a_usable_validation_split_is_kept() -> None:
    data = dataset(*people(10), *[("val", f"q{k}", 0) for k in range(MIN_VALIDATION)])
    assert ensure_validation(data) is data


def test_a_tiny_validation_split_joins_train_first() -> None:
    rows = [*people(99), *[("val", "person1000", 1)] * (MIN_VALIDATION - 1), ("test", "t", 1)]
    after = ensure_validation(dataset(*rows), fraction=0.1)
    assert patients(after, "val") == {"person1000"}
    assert patients(after, "test") == {"t"}
    assert after.notes == (
        "The validation split had only 99 films: 99 films were cut from train by patient "
        "(the highest numbers of each series).",
    )


def test_what_was_done_is_noted() -> None:
    (note,) = ensure_validation(dataset(*people(100)), cut="random", fraction=0.1).notes
    assert note == (
        "The validation split was missing: 10 films were cut from train by patient "
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
