"""Scores tables: shipped, computed, uploaded; what is wrong with one is a sentence."""

import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.datasets import scan
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation import (
    UNLABELLED,
    dataset_scores,
    read_scores,
    scores_csv,
    shipped_scores,
)
from tests.evaluation.tables import scores

ROOT = Path(__file__).parents[2]


def test_the_scores_of_shipped_checkpoints_are_those_of_their_cards() -> None:
    for name in ("cnn_94", "cnn_v2"):
        checkpoint = load_checkpoint(name, ROOT / "checkpoints")
        for split in ("val", "test"):
            found = shipped_scores(checkpoint, split)
            assert found.warnings == ()
            assert len(found.table) == checkpoint.card.evaluation[split].n
            assert found.version == checkpoint.card.version


def test_scores_of_another_version_are_warned_about(checkpoint: Checkpoint) -> None:
    """Its two films were made up, and its card speaks of eight."""
    (warning,) = shipped_scores(checkpoint, "test").warnings
    assert "may be from another version" in warning


def test_a_split_without_scores_is_a_sentence(checkpoint: Checkpoint) -> None:
    with pytest.raises(PneumoError, match="no stored scores of train X-rays"):
        shipped_scores(checkpoint, "train")


def test_a_dataset_is_scored_once(
    checkpoint: Checkpoint, film_folder: Callable[..., Path], tmp_path: Path
) -> None:
    dataset = scan(film_folder({"train": 2, "test": 3})).split("test")
    steps: list[int] = []
    first, again = (
        dataset_scores(
            checkpoint, dataset, scoring=lambda done, _: steps.append(done), home=tmp_path / "home"
        )
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first.table, again.table)
    assert steps == [6], "the second time they lie there"
    assert first.name == dataset.name


def test_a_damaged_kept_table_is_computed_again(
    checkpoint: Checkpoint, film_folder: Callable[..., Path], tmp_path: Path
) -> None:
    dataset = scan(film_folder({"test": 3}))
    first = dataset_scores(checkpoint, dataset, home=tmp_path / "home")
    (file,) = (tmp_path / "home" / "scores").iterdir()
    file.write_bytes(b"nothing")
    again = dataset_scores(checkpoint, dataset, home=tmp_path / "home")
    pd.testing.assert_frame_equal(first.table, again.table)


def test_a_downloaded_table_comes_back_with_who_made_it() -> None:
    given = scores([0, 1, 1], [0.25, 0.75, 0.5], site=["a", "b", "b"])
    found = read_scores(scores_csv(given, 0.5).encode(), "scores.csv")
    assert (found.checkpoint, found.version) == ("cnn_94", "0a0b0c0d")
    own = found.table[list(given.table.columns)]
    pd.testing.assert_frame_equal(own, given.table, check_dtype=False)
    assert found.table["predicted"].tolist() == [0, 1, 1]


def test_parquet_is_a_table_too() -> None:
    file = io.BytesIO()
    scores([0, 1], [0.1, 0.9]).table.to_parquet(file)
    assert len(read_scores(file.getvalue(), "scores.parquet").table) == 2


def test_names_for_labels_and_films_without_one() -> None:
    text = "id;probability;label\na;0.5;NORMAL\nb;0.5;pneumonia\nc;0.5;\n"
    found = read_scores(text.encode(), "scores.csv")
    assert found.table["label"].tolist() == [0, 1, UNLABELLED]
    assert found.labelled["id"].tolist() == ["a", "b"]
    assert found.classes == {0, 1}
    assert found.table["patient"].tolist() == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,label\na,1\n", "no column 'probability'"),
        ("probability\n0.5\n", "no column 'id'"),
        ("id,probability\n", "no rows"),
        ("id,probability\na,0.5\na,0.6\n", "'a' twice"),
        ("id,probability\na,1.5\n", "from 0 to 1"),
        ("id,probability\na,high\n", "from 0 to 1"),
        ("id,probability,label\na,0.5,cat\n", "the label 'CAT'"),
        ("", "is neither CSV nor Parquet"),
    ],
)
def test_what_is_wrong_is_a_sentence(text: str, words: str) -> None:
    with pytest.raises(PneumoError, match=words):
        read_scores(text.encode(), "scores.csv")


def test_bytes_are_no_table() -> None:
    for content in (b"PAR1 but not really", b"\x00\xff" * 50):
        with pytest.raises(PneumoError):
            read_scores(content, "scores.csv")


def test_what_was_left_out_is_told_again_the_second_time(
    checkpoint: Checkpoint, film_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = film_folder({"test": 3})
    next(folder.rglob("*.png")).write_bytes(b"broken")
    dataset, home = scan(folder), tmp_path / "home"
    first, again = (dataset_scores(checkpoint, dataset, home=home) for _ in range(2))
    assert len(first.unreadable) == 1
    assert again.unreadable == first.unreadable
    pd.testing.assert_frame_equal(first.table, again.table)


def test_a_table_that_does_not_say_what_was_left_out_is_computed_again(
    checkpoint: Checkpoint, film_folder: Callable[..., Path], tmp_path: Path
) -> None:
    folder = film_folder({"test": 3})
    next(folder.rglob("*.png")).write_bytes(b"broken")
    first = dataset_scores(checkpoint, scan(folder), home=tmp_path / "home")
    (file,) = (tmp_path / "home" / "scores").iterdir()
    first.table.to_parquet(file, index=False)  # as an older Pneumo kept it
    assert dataset_scores(checkpoint, scan(folder), home=tmp_path / "home").unreadable


@pytest.mark.parametrize(
    "text",
    [
        "id;probability;label\nNA;0,95;1\n",
        " ID , Probability , LABEL \nNA,0.95,1\n",
        "id\tprobability\tlabel\r\nNA\t0.95\t1\r\n",
    ],
)
def test_every_spelling_of_one_table(text: str) -> None:
    (row,) = read_scores(text.encode(), "scores.csv").table.to_dict("records")
    assert (row["id"], row["label"]) == ("NA", 1)
    assert row["probability"] == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id,probability\n,0.5\n", "a row without an id"),
        ("id,probability,probability\na,0.5,0.4\n", "more than one column 'probability'"),
        ("id,probability\na,95%\n", "not numbers from 0 to 1"),
    ],
)
def test_tables_that_could_be_misread_are_refused(text: str, words: str) -> None:
    with pytest.raises(PneumoError, match=words):
        read_scores(text.encode(), "scores.csv")
