import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from pneumo_core.checkpoints import Checkpoint, list_checkpoints
from pneumo_core.core.settings import settings
from pneumo_core.errors import CheckpointError, DatasetError, TrainingError, UnknownName
from pneumo_core.imaging import read_radiograph
from pneumo_core.lungs import ConfidenceLimits
from pneumo_core.reading import open_reader
from pneumo_core.runs import continue_run, find_run, start_run, train
from pneumo_core.training import Progressed, TrainingConfig


@pytest.fixture
def brief(config: TrainingConfig) -> TrainingConfig:
    return dataclasses.replace(config, epochs=1, validation_fraction=0.2)


@pytest.fixture
def published(folder: Path, brief: TrainingConfig) -> Checkpoint:
    return train(folder, "small", brief, attribution="Drawn by hand.", trained_on="squares")


def test_the_card_says_how_it_came_to_be(published: Checkpoint, brief: TrainingConfig):
    card = published.card
    assert card.training["epochs"] == brief.epochs
    assert card.training["augmentation"]["rotation"] == brief.augmentation.rotation
    assert card.dataset.counts["train"] == {"NORMAL": 16, "PNEUMONIA": 16}
    assert card.dataset.counts["test"] == {"NORMAL": 6, "PNEUMONIA": 6}
    assert card.attribution == "Drawn by hand."
    assert any("on only 8 validation X-rays" in sentence for sentence in card.limitations)
    assert [point.name for point in card.operating_points] == ["balanced", "screening"]
    assert all(point.chosen_on == "val" for point in card.operating_points)


def test_the_scores_are_what_reading_each_film_gives(published: Checkpoint, folder: Path):
    reader = open_reader("small")
    for film in published.scores.itertuples():
        reading = reader.read_file(folder / film.id)
        assert reading.probability == pytest.approx(film.probability, abs=1e-5)


def test_scores_and_features_cover_val_and_test(published: Checkpoint):
    assert published.scores["split"].value_counts().to_dict() == {"test": 12, "val": 8}
    assert published.features.shape == (20, 10)
    assert len(published.history) == 1


def test_the_test_split_decides_nothing(
    published: Checkpoint, folder: Path, brief: TrainingConfig, tmp_path: Path
):
    """With other test films the weights, the temperature and the thresholds stay the same."""
    other = shutil.copytree(folder, tmp_path / "other")
    for film in (other / "test" / "NORMAL").iterdir():
        Image.new("L", (64, 64), 255).save(film)
    again = train(other, "again", brief).card
    card = published.card
    assert again.weights_sha256 == card.weights_sha256
    assert again.calibration == card.calibration
    assert again.operating_points == card.operating_points


def test_a_taken_name_is_refused_before_training(published: Checkpoint, folder: Path):
    with pytest.raises(CheckpointError, match="already exists"):
        start_run(folder, "small", TrainingConfig())


def test_a_missing_folder_is_refused_before_training():
    with pytest.raises(DatasetError, match="There is no folder"):
        start_run(Path("/no/such/films"), "new", TrainingConfig())


def test_a_run_is_found_again_as_it_was(folder: Path, brief: TrainingConfig):
    run = start_run(folder, "later", brief)
    assert find_run(run.id) == run
    with pytest.raises(UnknownName, match=run.id):
        find_run("20260101-000000-beef")


def test_a_run_leaves_its_history_for_others_to_read(folder: Path, brief: TrainingConfig):
    run = start_run(folder, "history", brief)
    continue_run(run)
    history = pd.read_csv(run.folder / "history.csv")
    assert history["epoch"].tolist() == [1]


def test_films_that_changed_since_the_start_stop_a_resumed_run(
    folder: Path, brief: TrainingConfig, tmp_path: Path
):
    copy = shutil.copytree(folder, tmp_path / "copy")
    run = start_run(copy, "changed", brief)
    next((copy / "train" / "NORMAL").iterdir()).unlink()
    with pytest.raises(TrainingError, match="have changed since the run"):
        continue_run(run)


class _FullDisk:
    """The disk fills up in the middle of the run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def begin(self, progressed: Progressed) -> None:
        """There is room still."""

    def step(self, done: int, total: int, loss: float) -> None:
        def no_space(path: Path, content: bytes) -> int:
            raise OSError(28, "No space left on device")

        self.monkeypatch.setattr(Path, "write_bytes", no_space)

    def epoch(self, progressed: Progressed, seconds_left: float) -> None:
        raise AssertionError("an epoch that could not be kept was reported")


def test_a_full_disk_ends_a_run_with_a_sentence_and_no_torn_checkpoint(
    folder: Path, brief: TrainingConfig, monkeypatch: pytest.MonkeyPatch
):
    run = start_run(folder, "full", brief)
    with monkeypatch.context() as patch, pytest.raises(TrainingError, match="No space left"):
        continue_run(run, listener=_FullDisk(patch))
    assert list_checkpoints() == ([], [])
    assert not list(settings().checkpoints.glob(".*"))
    assert continue_run(run).name == "full"


class _HalfFinder:
    """Finds lungs in the left half of a bright image, and none in a dark one."""

    identity = "half"
    limits = ConfidenceLimits()

    def __init__(self, bright: float) -> None:
        self._bright = bright

    def chances(self, images: np.ndarray) -> np.ndarray:
        found = np.zeros(images.shape, np.float32)
        found[images.mean(axis=(1, 2)) > self._bright, :, : images.shape[2] // 2] = 1
        return found


@pytest.fixture
def half_found(folder: Path, use_finder: Callable[..., None]) -> None:
    """Let the finder find lungs in about half of the X-rays."""
    sick = (folder / "train" / "PNEUMONIA").iterdir()
    use_finder(_HalfFinder(np.median([np.asarray(Image.open(film)).mean() for film in sick])))


def test_the_card_says_how_much_of_its_maps_lies_inside_the_lungs(
    half_found: None, published: Checkpoint, folder: Path
) -> None:
    """The mean over X-rays whose lungs were found; an X-ray without lungs has no share."""
    reader, scores = open_reader("small"), published.scores
    sick = scores["id"][(scores["split"] == "val") & (scores["label"] == 1)]
    for method in ("grad_cam", "activation"):
        maps = [reader.heat_map(read_radiograph(folder / film), 1, method=method) for film in sick]
        shares = [each.inside_lungs for each in maps if not each.no_lungs]
        assert 0 < len(shares) < len(maps)
        assert published.card.inside_lungs[method] == pytest.approx(np.nanmean(shares), abs=1e-4)
