from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumo_core.checkpoints import Checkpoint, load_checkpoint
from pneumo_core.errors import TrainingError
from pneumo_core.inference import dataset_for
from pneumo_core.reading import open_reader
from pneumo_core.runs import continue_run, find_run, start_run, train
from pneumo_core.training import TrainingConfig, training_config
from pneumo_core.training.cross_validation import folds_of
from tests import small_network


def _films(patients: int, each: int = 2) -> pd.DataFrame:
    rows = [
        {
            "id": f"{label}-{patient}-{number}",
            "patient": f"{label}-{patient}",
            "label": label,
            "digest": f"{label}-{patient}-{number}",
        }
        for label in (0, 1)
        for patient in range(patients)
        for number in range(each)
    ]
    return pd.DataFrame(rows)


def test_a_patient_lies_in_one_fold_and_each_fold_has_both_classes() -> None:
    films = _films(20)
    films["fold"] = folds_of(films, 5, seed=0)
    assert (films.groupby("patient")["fold"].nunique() == 1).all()
    assert films.groupby("fold")["label"].nunique().tolist() == [2] * 5
    assert films["fold"].value_counts().tolist() == [16] * 5


def test_patients_who_share_a_picture_lie_in_one_fold() -> None:
    films = _films(20)
    films.loc[films["id"].isin(["0-3-0", "0-11-1", "0-17-0"]), "digest"] = "the same"
    films["fold"] = folds_of(films, 5, seed=0)
    assert films[films["patient"].isin(["0-3", "0-11", "0-17"])]["fold"].nunique() == 1


def test_the_same_seed_gives_the_same_folds() -> None:
    films = _films(20)
    assert (folds_of(films, 5, seed=1) == folds_of(films, 5, seed=1)).all()
    assert (folds_of(films, 5, seed=1) != folds_of(films, 5, seed=2)).any()


def test_too_few_patients_for_the_folds_is_a_sentence() -> None:
    with pytest.raises(TrainingError, match="fewer than 5 patients"):
        folds_of(_films(4), 5, seed=0)


def folds_config() -> TrainingConfig:
    return training_config(
        model=small_network.NAME, epochs=1, batch_size=4, folds=2, keep="last", average=0.0
    )


@pytest.fixture
def cross_validated(film_folder: Callable[..., Path]) -> tuple[Path, Checkpoint]:
    folder = film_folder({"train": 12, "test": 4})
    return folder, train(folder, "mean", folds_config())


def test_a_cross_validation_becomes_the_mean_of_its_networks(
    cross_validated: tuple[Path, Checkpoint],
) -> None:
    folder, checkpoint = cross_validated
    card = checkpoint.card
    assert len(card.members) == 2
    assert "out-of-fold predictions of a 2-fold" in card.validation
    scores = checkpoint.scores
    assert (scores["split"] == "val").sum() == 24, "every training film, by the other network"
    assert (scores["split"] == "test").sum() == len(checkpoint.features) == 8
    assert dataset_for(checkpoint, folder).fingerprint == card.dataset.fingerprint
    test = scores[scores["split"] == "test"].iloc[0]
    reading = open_reader("mean", gate=False).read_file(folder / str(test["id"]))
    assert reading.probability == pytest.approx(test["probability"], abs=1e-5)


def test_out_of_fold_predictions_are_not_those_of_the_mean(
    cross_validated: tuple[Path, Checkpoint],
) -> None:
    folder, checkpoint = cross_validated
    reader = open_reader("mean", gate=False)
    val = checkpoint.scores[checkpoint.scores["split"] == "val"]
    read = [reader.read_file(folder / str(film)).probability for film in val["id"]]
    assert np.abs(np.array(read, float) - val["probability"]).max() > 1e-4


def test_a_cross_validation_goes_on_fold_by_fold(film_folder: Callable[..., Path]) -> None:
    class _Stop:
        """Interrupts in the second fold."""

        def begin(self, progressed: object) -> None: ...

        def step(self, done: int, total: int, loss: float) -> None:
            if self.epochs:
                raise KeyboardInterrupt

        def epoch(self, progressed: object, seconds_left: float) -> None:
            self.epochs += 1

        epochs = 0

    folder = film_folder({"train": 12, "test": 4})
    whole = train(folder, "whole", folds_config())
    run = start_run(folder, "resumed", folds_config())
    with pytest.raises(KeyboardInterrupt):
        continue_run(run, listener=_Stop())
    resumed = continue_run(find_run(run.id))
    pd.testing.assert_frame_equal(load_checkpoint("whole").scores, resumed.scores)
    assert len(find_run(run.id).history) == 2
    assert whole.card.weights_sha256 == resumed.card.weights_sha256
