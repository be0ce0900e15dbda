"""A dataset's scores are the readings of its films, and its figures those of the scores."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import scan
from pneumo_core.errors import DatasetError, UnknownName
from pneumo_core.evaluation import evaluate_dataset, score_dataset
from pneumo_core.inference import dataset_for
from pneumo_core.metrics import area_under_roc, confusion
from pneumo_core.reading import open_reader

Maker = Callable[..., Path]


def test_scores_are_what_the_reader_says_of_each_film(
    checkpoint: Checkpoint, film_folder: Maker
) -> None:
    dataset = scan(film_folder({"train": 6, "test": 4}))
    scores, unreadable, remarks = score_dataset(checkpoint, dataset)
    reader = open_reader(checkpoint.name, gate=False)
    assert list(scores.columns) == ["id", "patient", "split", "label", "subtype", "probability"]
    assert unreadable == remarks == {}
    assert len(scores) == 20
    path_of = dataset.films.set_index("id")["path"]
    for film in scores.itertuples():
        reading = reader.read_file(Path(path_of[film.id]))
        assert film.probability == pytest.approx(reading.probability, abs=1e-5)


def test_figures_are_those_of_the_scores(checkpoint: Checkpoint, film_folder: Maker) -> None:
    dataset = scan(film_folder({"train": 2, "test": 6}))
    scores, _, _ = score_dataset(checkpoint, dataset.split("test"))
    result = evaluate_dataset(checkpoint, dataset, "test", operating_point="screening")
    labels, p = scores["label"], scores["probability"]
    counts = confusion(labels, p, 0.2)
    assert result.as_dict() == {
        "model": "cnn_94",
        "split": "test",
        "n": 12,
        "auc": area_under_roc(labels, p),
        "accuracy": counts.accuracy,
        "sensitivity": counts.sensitivity,
        "specificity": counts.specificity,
        "f1": counts.f1,
        "ece": result.figures.ece.value,
        "threshold": 0.2,
        "operating_point": "screening",
        "confusion": counts.as_rows(),
        "remarks": {},
        "intervals": {
            name: [getattr(result.figures, name).low, getattr(result.figures, name).high]
            for name in ("auc", "accuracy", "sensitivity", "specificity", "f1", "ece")
        },
    }


def test_every_film_counts_in_all(checkpoint: Checkpoint, film_folder: Maker) -> None:
    dataset = scan(film_folder({"train": 4, "test": 2}))
    assert evaluate_dataset(checkpoint, dataset, "all").figures.n == 12


def test_unreadable_films_are_left_out_and_named(
    checkpoint: Checkpoint, film_folder: Maker
) -> None:
    folder = film_folder({"test": 4})
    torn = folder / "test/NORMAL/IM-0001-0001.png"
    torn.write_bytes(b"")
    result = evaluate_dataset(checkpoint, scan(folder), "test")
    assert result.figures.n == 7
    assert list(result.unreadable) == ["test/NORMAL/IM-0001-0001.png"]
    assert result.unreadable["test/NORMAL/IM-0001-0001.png"].startswith("IM-0001-0001.png: ")


def test_both_kinds_of_progress_reach_their_end(checkpoint: Checkpoint, film_folder: Maker) -> None:
    decoded: list[tuple[int, int]] = []
    scored: list[tuple[int, int]] = []
    evaluate_dataset(
        checkpoint,
        scan(film_folder({"test": 4})),
        "test",
        decoding=lambda *done: decoded.append(done),
        scoring=lambda *done: scored.append(done),
    )
    assert decoded[-1] == scored[-1] == (8, 8)


def test_the_validation_films_are_those_of_the_training(
    checkpoint: Checkpoint, film_folder: Maker
) -> None:
    folder = film_folder({"train": 40})
    found = dataset_for(checkpoint, folder)
    expected = scan(folder, cut="late", fraction=0.12)
    assert found.fingerprint == expected.fingerprint
    assert found.fingerprint != scan(folder, cut="late", fraction=0.3).fingerprint


def test_what_is_not_there_is_refused(checkpoint: Checkpoint, film_folder: Maker) -> None:
    dataset = scan(film_folder({"test": 2}))
    with pytest.raises(DatasetError, match="no X-rays in split 'val'"):
        evaluate_dataset(checkpoint, dataset, "val")
    with pytest.raises(UnknownName, match="operating point named 'best'"):
        evaluate_dataset(checkpoint, dataset, "test", operating_point="best")


def test_a_checkpoint_of_before_there_was_a_choice_keeps_its_cut(
    checkpoint: Checkpoint, film_folder: Maker
) -> None:
    """The public set's own validation split has 16 films; the shipped checkpoints replaced it."""
    folder = film_folder({"train": 40, "val": 8})
    found = dataset_for(checkpoint, folder)
    assert found.fingerprint == scan(folder, validation="large", cut="late").fingerprint
    assert found.cut is not None
    assert found.cut.given == 16
    kept = dataset_for(checkpoint, folder, validation="keep")
    assert kept.fingerprint == scan(folder).fingerprint != found.fingerprint
