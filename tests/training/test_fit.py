import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from pneumo_core.errors import TrainingError
from pneumo_core.training import Films, Progressed, TrainingConfig, fit


class StopAt:
    """Presses Ctrl-C at a step of an epoch."""

    def __init__(self, epoch: int, step: int) -> None:
        self.at = (epoch, step)

    def begin(self, progressed: Progressed) -> None:
        self.epochs_done = progressed.epoch

    def step(self, done: int, total: int, loss: float) -> None:
        if (self.epochs_done + 1, done) == self.at:
            raise KeyboardInterrupt

    def epoch(self, progressed: Progressed, seconds_left: float) -> None:
        self.epochs_done = progressed.epoch


def weights_of(progressed: Progressed) -> dict[str, torch.Tensor]:
    assert progressed.best_weights is not None
    return dict(progressed.best_weights)


def assert_same(first: Progressed, second: Progressed) -> None:
    """The same numbers to the last bit, the clock's apart."""
    clock = {"seconds": 0.0, "films_per_second": 0.0}
    assert [dataclasses.replace(r, **clock) for r in first.reports] == [
        dataclasses.replace(r, **clock) for r in second.reports
    ]
    for name, tensor in weights_of(first).items():
        assert torch.equal(tensor, weights_of(second)[name]), name


def test_a_network_learns_to_tell_the_films_apart(
    config: TrainingConfig, films: tuple[Films, Films], tmp_path: Path
):
    longer = dataclasses.replace(config, epochs=12, average=0.9)
    progressed = fit(longer, *films, tmp_path / "state")
    assert progressed.reports[-1].train_loss < 0.7 * progressed.reports[0].train_loss
    assert max(report.val_auc for report in progressed.reports) > 0.9


def test_the_same_seed_gives_the_same_weights(
    config: TrainingConfig, films: tuple[Films, Films], tmp_path: Path
):
    first, second = (fit(config, *films, tmp_path / name) for name in ("one", "two"))
    assert_same(first, second)
    other = fit(dataclasses.replace(config, seed=1), *films, tmp_path / "other")
    assert other.reports[0].train_loss != first.reports[0].train_loss


@pytest.mark.parametrize(("epoch", "step"), [(1, 2), (2, 1), (3, 3)])
def test_a_stopped_run_goes_on_with_the_numbers_of_an_unbroken_one(
    config: TrainingConfig, films: tuple[Films, Films], tmp_path: Path, epoch: int, step: int
):
    unbroken = fit(config, *films, tmp_path / "unbroken")
    with pytest.raises(KeyboardInterrupt):
        fit(config, *films, tmp_path / "stopped", StopAt(epoch, step))
    assert_same(fit(config, *films, tmp_path / "stopped"), unbroken)


def test_a_finished_run_trains_no_further(
    config: TrainingConfig, films: tuple[Films, Films], tmp_path: Path
):
    done = fit(config, *films, tmp_path / "state")
    assert_same(fit(config, *films, tmp_path / "state"), done)


def test_torch_is_left_with_the_random_state_it_had(
    config: TrainingConfig, films: tuple[Films, Films], tmp_path: Path
):
    before = torch.get_rng_state()
    fit(dataclasses.replace(config, epochs=1), *films, tmp_path / "state")
    assert torch.equal(before, torch.get_rng_state())


def test_patience_ends_a_run_that_gets_no_better(
    config: TrainingConfig, films: tuple[Films, Films], tmp_path: Path
):
    frozen = dataclasses.replace(
        config, learning_rate=1e-12, average=0.0, patience=2, epochs=10, schedule="constant"
    )
    progressed = fit(frozen, *films, tmp_path / "state")
    assert progressed.epoch == progressed.best_epoch + 2 < 10


def test_the_last_epoch_is_kept_where_it_is_wanted(
    config: TrainingConfig, films: tuple[Films, Films], tmp_path: Path
):
    """On separable films the first epochs reach AUC 1, which nothing later can better."""
    longer = dataclasses.replace(config, epochs=6, average=0.9)
    best = fit(longer, *films, tmp_path / "best")
    last = fit(dataclasses.replace(longer, keep="last"), *films, tmp_path / "last")
    assert best.best_epoch < last.best_epoch == 6
    assert best.reports[-1].val_auc == last.reports[-1].val_auc


def test_one_class_alone_is_refused(
    config: TrainingConfig, films: tuple[Films, Films], tmp_path: Path
):
    train, val = films
    ill = val.labels == 1
    one_class = Films(val.store, val.rows[ill], val.labels[ill])
    with pytest.raises(TrainingError, match="val split needs X-rays of both classes"):
        fit(config, train, one_class, tmp_path / "state")


def test_a_loss_that_is_no_number_ends_the_run_with_a_sentence(
    config: TrainingConfig,
    films: tuple[Films, Films],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    def diverged(logits: torch.Tensor, *others: object, **options: object) -> torch.Tensor:
        return logits.sum() * float("nan")

    monkeypatch.setattr("pneumo_core.training.loop.cross_entropy", diverged)
    with pytest.raises(TrainingError, match="Restart with a lower learning rate"):
        fit(config, *films, tmp_path / "state")


def test_a_damaged_state_is_refused(
    config: TrainingConfig, films: tuple[Films, Films], tmp_path: Path
):
    (tmp_path / "state").write_bytes(b"torn")
    with pytest.raises(TrainingError, match="is damaged"):
        fit(config, *films, tmp_path / "state")


@pytest.mark.parametrize("balance", ["weights", "repeat_normals", "none"])
@pytest.mark.parametrize("schedule", ["one_cycle", "exponential", "constant"])
def test_every_balance_and_schedule_trains(
    config: TrainingConfig,
    films: tuple[Films, Films],
    tmp_path: Path,
    balance: str,
    schedule: str,
):
    chosen = dataclasses.replace(config, epochs=1, balance=balance, schedule=schedule)
    report = fit(chosen, *films, tmp_path / "state").reports[0]
    assert np.isfinite([report.train_loss, report.val_loss, report.val_auc]).all()


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_evidence_outside_the_lungs_adds_to_the_loss_in_every_precision(
    config: TrainingConfig, films: tuple[Films, Films], tmp_path: Path, precision: str
):
    train = dataclasses.replace(films[0], lungs=films[0].store)  # any masks
    plain = dataclasses.replace(config, epochs=1, precision=precision)
    attended = dataclasses.replace(plain, lung_attention=0.5)
    losses = [
        fit(each, train, films[1], tmp_path / name).reports[0].train_loss
        for name, each in {"plain": plain, "attended": attended}.items()
    ]
    assert losses[1] > losses[0] + 0.01


@pytest.mark.thorough
@pytest.mark.slow
def test_two_devices_learn_from_one_set_of_films(
    known_config: TrainingConfig, larger_films: tuple[Films, Films], tmp_path: Path
):
    shared = dataclasses.replace(known_config, devices=2, epochs=6, average=0.9)
    progressed = fit(shared, *larger_films, tmp_path / "state")
    assert progressed.epoch == 6
    assert progressed.reports[-1].train_loss < progressed.reports[0].train_loss
    assert max(report.val_auc for report in progressed.reports) > 0.9


@pytest.mark.thorough
@pytest.mark.slow
def test_what_ends_a_spawned_process_is_told_as_it_would_be_here(
    known_config: TrainingConfig, larger_films: tuple[Films, Films], tmp_path: Path
):
    shared = dataclasses.replace(known_config, devices=2)
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(TrainingError, match="^'.*state' can't be written: File exists"):
        fit(shared, *larger_films, tmp_path / "taken" / "state")
