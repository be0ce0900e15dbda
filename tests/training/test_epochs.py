"""Kept epochs: the weights that validation judged, whole files, computed with again."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from pneumo_core.checkpoints.weights import stored_precision
from pneumo_core.core.settings import settings
from pneumo_core.errors import TrainingError
from pneumo_core.runs import Run, continue_run, kept_epochs, runs_with_epochs, start_run
from pneumo_core.training import Films, TrainingConfig, fit


@pytest.fixture
def run(config: TrainingConfig, folder: Path) -> Run:
    """A run of three epochs that will keep them."""
    kept = dataclasses.replace(config, keep_epochs=True, validation_fraction=0.2)
    return start_run(folder, "filmed", kept)


def test_each_epoch_is_kept_as_validation_judged_it(run: Run, films: tuple[Films, Films]) -> None:
    """With averaged weights and mirror images: the margins give the AUC that was written down."""
    config = dataclasses.replace(run.config, mirror=True)
    progressed = fit(config, *films, run.folder / "state")
    epochs = kept_epochs(dataclasses.replace(run, config=config))
    assert [each.number for each in epochs] == [1, 2, 3]
    best = epochs[progressed.best_epoch - 1].runtime().members[0].network.state_dict()
    judged = stored_precision(progressed.best_weights or {})
    assert all(torch.equal(best[name], judged[name]) for name in judged)
    assert len({each.version for each in epochs}) == 3
    _, val = films
    assert epochs[0].runtime().run_rows(val.store.pixels, val.rows).margins.shape == (len(val),)


def test_no_epoch_is_kept_unasked(
    config: TrainingConfig, films: tuple[Films, Films], tmp_path: Path
) -> None:
    fit(dataclasses.replace(config, epochs=1), *films, tmp_path / "state")
    assert not (tmp_path / "epochs").exists()


def test_a_run_tells_its_epochs_and_their_validation_auc(run: Run) -> None:
    assert kept_epochs(run) == ()
    assert runs_with_epochs() == []
    checkpoint = continue_run(run)
    areas = [each.validation_auc for each in kept_epochs(run)]
    assert areas == pytest.approx(checkpoint.history["val_auc"].tolist())
    assert [each.id for each in runs_with_epochs()] == [run.id]


def test_what_is_no_epoch_or_no_run_is_passed_over(run: Run) -> None:
    for number in (1, 2):
        (run.folder / "epochs").mkdir(exist_ok=True)
        (run.folder / "epochs" / f"000{number}.safetensors").write_bytes(b"half")
    (run.folder / "epochs" / ".0003.safetensors.12-ab").write_bytes(b"half")
    (settings().home / "runs" / "no-run" / "epochs").mkdir(parents=True)
    assert [each.number for each in kept_epochs(run)] == [1, 2]
    assert np.isnan(kept_epochs(run)[0].validation_auc)
    assert [each.id for each in runs_with_epochs()] == [run.id]
    with pytest.raises(TrainingError, match="Epoch 1 of the run .* can't be read"):
        kept_epochs(run)[0].runtime()
    (run.folder / "epochs" / "0002.safetensors").unlink()
    with pytest.raises(TrainingError, match="train again with --keep-epochs"):
        _ = dataclasses.replace(kept_epochs(run)[0], file=run.folder / "gone").version


@pytest.mark.thorough
@pytest.mark.slow
def test_two_devices_keep_them_once(
    run: Run, known_config: TrainingConfig, larger_films: tuple[Films, Films]
) -> None:
    both = dataclasses.replace(known_config, devices=2, keep_epochs=True)
    fit(both, *larger_films, run.folder / "state")
    files = sorted(each.name for each in (run.folder / "epochs").iterdir())
    assert files == ["0001.safetensors", "0002.safetensors", "0003.safetensors"]
