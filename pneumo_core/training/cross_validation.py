"""Cross-validation by patient: a network for each fold, and predictions by networks that never
saw the patient."""

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
    """One trained network, and the ids of the films that it never saw."""

    progressed: Progressed
    held_out: tuple[str, ...]


def folds_of(films: pd.DataFrame, folds: int, seed: int) -> NDArray[np.int64]:
    """Return the fold, 0 to folds - 1, of each film (N,).

    A patient, and every patient who shares a picture, lies in one fold; the folds have the classes
    in nearly equal shares (scikit-learn's StratifiedGroupKFold). Raises TrainingError where a fold
    would lack a class.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    groups = _groups(films)
    labels = films["label"].to_numpy()
    if min(len(np.unique(groups[labels == label])) for label in (0, 1)) < folds:
        raise TrainingError(
            f"There are fewer than {folds} patients of one class, so {folds} folds can't each hold "
            "both. Choose fewer folds, or add X-rays."
        )
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    numbers = np.zeros(len(films), np.int64)
    for number, (_, held_out) in enumerate(splitter.split(labels, labels, groups)):
        numbers[held_out] = number
    return numbers


def _groups(films: pd.DataFrame) -> NDArray[np.int64]:
    """A number for each film that patients who share a picture have in common."""
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
    listener: Listener,
    *,
    lungs: PixelStore | None = None,
) -> list[Fold]:
    """Train a network for each fold, going on where the run had come to.

    ``wide``: squares that training draws its inputs from; ``seen``: the inputs that the held-out
    films are judged by; ``lungs``: the masks that belong to the wide squares. Every network is
    trained to its last epoch: an epoch chosen by the held-out films would make their predictions
    look better than they are.
    """
    config = job.config
    films = wide.readable(seen.readable(pool.films[pool.films["split"] == "train"]))
    folds = folds_of(films, config.folds, config.seed)
    done: list[Fold] = []
    for number in range(config.folds):
        taught, held_out = films[folds != number], films[folds == number]
        state = job.folder / "folds" / str(number) / "state.safetensors"
        state.parent.mkdir(parents=True, exist_ok=True)
        told = _FoldListener(listener, config, tuple(each.progressed for each in done))
        progressed = fit(
            replace(config, seed=config.seed + number, keep="last", patience=0),
            Films(wide, wide.rows(taught["id"]), taught["label"].to_numpy(np.int64), lungs),
            Films(seen, seen.rows(held_out["id"]), held_out["label"].to_numpy(np.int64)),
            state,
            told,
        )
        done.append(Fold(progressed, tuple(held_out["id"])))
    return done


@dataclass(frozen=True)
class _FoldListener:
    """Passes on the progress of one fold as progress of all, epochs counted through."""

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
