"""Cross-validation by patient: a network per fold, and out-of-fold predictions."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pneumo_core.datasets import Dataset, PixelStore, with_twins
from pneumo_core.errors import TrainingError
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.job import TrainingJob
from pneumo_core.training.loop import fit
from pneumo_core.training.relay import Listener
from pneumo_core.training.state import Progressed
from pneumo_core.training.training_set import Films

__all__ = ["Fold", "fit_folds", "folds_of"]


@dataclass(frozen=True)
class Fold:
    """A trained network, and the ids of its held-out X-rays."""

    progressed: Progressed
    held_out: tuple[str, ...]


def folds_of(films: pd.DataFrame, folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold, 0 to folds - 1, of each X-ray (N,).

    All X-rays of a patient, and of patients who share an image, are in one fold; the classes have
    nearly equal shares in each (scikit-learn's StratifiedGroupKFold). Raises TrainingError where a
    fold would lack a class.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    groups = _groups(films)
    labels = films["label"].to_numpy()
    if min(len(np.unique(groups[labels == label])) for label in (0, 1)) < folds:
        raise TrainingError(
            f"One class has fewer than {folds} patients, so {folds} folds can't each contain "
            "both classes. Choose fewer folds, or add X-rays."
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    numbers = np.zeros(len(films), np.int64)
    for number, (_, held_out) in enumerate(splitter.split(labels, labels, groups)):
        numbers[held_out] = number
    return numbers


def _groups(films: pd.DataFrame) -> NDArray[np.int64]:
    """Return each X-ray's group number; patients who share an image have the same one."""
    groups = pd.factorize(films["patient"])[0].astype(np.int64)
    shared = films[films.duplicated("digest", keep=False)]
    for patient in shared["patient"].unique():
        together = films["patient"].isin(with_twins(films, {patient})).to_numpy()
        groups[together] = groups[together].min()
    return groups


def fit_folds(
    job: TrainingJob,
    pool: Dataset,
    wide: PixelStore,
    seen: PixelStore,
    listener: Listener | None,
    *,
    lungs: PixelStore | None = None,
) -> list[Fold]:
    """Train a network for each fold, resuming where the run stopped.

    ``wide``: squares that training crops its inputs from; ``seen``: the inputs for the held-out
    X-rays; ``lungs``: the masks of the wide squares. Every network is trained to its last epoch:
    choosing an epoch by the held-out X-rays would make their predictions optimistic.
    """
    config = job.config
    films = wide.readable(seen.readable(pool.films[pool.films["split"] == "train"]))
    folds = folds_of(films, config.folds, config.seed)
    done: list[Fold] = []
    for number in range(config.folds):
        taught, held_out = films[folds != number], films[folds == number]
        state = job.folder / "folds" / str(number) / "state.safetensors"
        state.parent.mkdir(parents=True, exist_ok=True)
        before = tuple(each.progressed for each in done)
        events = _FoldListener(listener, config, before) if listener else None
        progressed = fit(
            replace(config, seed=config.seed + number, keep="last", patience=0),
            Films(wide, wide.rows(taught["id"]), taught["label"].to_numpy(np.int64), lungs),
            Films(seen, seen.rows(held_out["id"]), held_out["label"].to_numpy(np.int64)),
            state,
            events,
        )
        done.append(Fold(progressed, tuple(held_out["id"])))
    return done


@dataclass(frozen=True)
class _FoldListener:
    """Listener that reports one fold's progress as progress of all folds."""

    listener: Listener
    config: TrainingConfig
    before: tuple[Progressed, ...]

    def begin(self, progressed: Progressed) -> None:
        self.listener.begin(self._all(progressed))

    def step(self, done: int, total: int, loss: float) -> None:
        self.listener.step(done, total, loss)

    def epoch(self, progressed: Progressed, seconds_left: float) -> None:
        later = self.config.folds - len(self.before) - 1
        epoch_seconds = progressed.reports[-1].seconds
        seconds = seconds_left + later * self.config.epochs * epoch_seconds
        self.listener.epoch(self._all(progressed), seconds)

    def _all(self, progressed: Progressed) -> Progressed:
        reports = [report for fold in (*self.before, progressed) for report in fold.reports]
        counted = (replace(report, epoch=n) for n, report in enumerate(reports, 1))
        return Progressed(tuple(counted), len(reports))
