"""Fit a checkpoint's temperature and operating points to a site's own labelled X-rays.

The network is unchanged. The result is a new checkpoint with its own name, which appears with each
of its results.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from pneumo_core.checkpoints import (
    Card,
    Checkpoint,
    OperatingPoint,
    choose_operating_points,
    save_recalibrated,
)
from pneumo_core.datasets import Dataset, scan
from pneumo_core.errors import DatasetError
from pneumo_core.inference import dataset_for
from pneumo_core.metrics import (
    Calibration,
    Estimate,
    Resampling,
    brier_estimate,
    ece_estimate,
    evaluate,
    fit_calibration,
    interval,
)

__all__ = [
    "LEAST_OF_A_LABEL",
    "MIN_IMAGES",
    "SiteCalibration",
    "fit_site",
    "save_site",
    "scan_site",
]

MIN_IMAGES = 100
"""Fewest X-rays of a site: with fewer, the temperature's interval is wider than any correction."""
LEAST_OF_A_LABEL = 30
"""Fewest X-rays of each label: with fewer, two or three X-rays decide an operating point."""

_FOLDS = 5
_REPEATS = 200
_CLIPPED = 1e-7  # beyond it a float32 probability has no logit


@dataclass(frozen=True, eq=False)
class SiteCalibration:
    """The fitted calibration, and what it changes.

    ``temperature`` with its 95 % interval over draws of whole patients. ``before`` and ``after``
    map "brier" and "ece" to estimates; after is of X-rays that the fit had not seen (five folds of
    patients). ``probabilities`` float (N,) are those of the final fit.
    """

    calibration: Calibration
    temperature: Estimate
    points: tuple[OperatingPoint, ...]
    before: dict[str, Estimate]
    after: dict[str, Estimate]
    table: pd.DataFrame
    probabilities: NDArray[np.float32]


def scan_site(checkpoint: Checkpoint, data: Path) -> Dataset:
    """Return a site's dataset. Raises DatasetError, also if the checkpoint was trained on it."""
    if _trained_on(checkpoint, data):
        raise DatasetError(
            f"'{checkpoint.name}' was trained on these X-rays, so they say nothing of how it does "
            "at a site. Calibrate it on X-rays of your own hospital that it has not seen."
        )
    return scan(data)


def _trained_on(checkpoint: Checkpoint, data: Path) -> bool:
    try:
        same = dataset_for(checkpoint, data).fingerprint
    except DatasetError:  # it can't be cut as the training X-rays were
        return False
    return same == checkpoint.card.dataset.fingerprint


def fit_site(card: Card, table: pd.DataFrame) -> SiteCalibration:
    """Fit a checkpoint to the scores of a site's X-rays.

    Args:
        card: of the checkpoint that gave the scores.
        table: a row an X-ray with id, patient, label (0 or 1), subtype and probability.

    Raises:
        DatasetError: there are too few X-rays; says how many are needed.
    """
    table = table.reset_index(drop=True)
    _refuse_few(table["label"])
    labels, patients = table["label"].to_numpy(), table["patient"].to_numpy()
    margins = _margins(card.calibration, table["probability"])
    found = fit_calibration(labels, margins)
    draws = Resampling.of(patients)
    unseen = _out_of_fold(labels, margins, patients)
    probabilities = found.probabilities(margins)
    return SiteCalibration(
        calibration=found,
        temperature=Estimate(found.temperature, *_interval(labels, margins, patients)),
        points=choose_operating_points(labels, probabilities, where="on this site's own X-rays"),
        before=_figures(labels, table["probability"].to_numpy(), draws),
        after=_figures(labels, unseen, draws),
        table=table,
        probabilities=probabilities,
    )


def save_site(checkpoint: Checkpoint, fitted: SiteCalibration, name: str) -> Checkpoint:
    """Write the fitted checkpoint atomically, beside the original.

    Its scores are those of the site's X-rays as "val", before those of the original, whose splits
    are called "original val" and "original test". Raises CheckpointError.
    """
    card = _card(checkpoint.card, fitted, name)
    return save_recalibrated(checkpoint, card, _scores(checkpoint, fitted))


def _refuse_few(labels: "pd.Series[int]") -> None:
    films, ill = len(labels), int(labels.sum())
    least = min(ill, films - ill)
    if films >= MIN_IMAGES and least >= LEAST_OF_A_LABEL:
        return
    raise DatasetError(
        f"There are {films} labelled X-rays, {ill} with pneumonia and {films - ill} without. "
        f"Calibration needs {MIN_IMAGES} or more, and {LEAST_OF_A_LABEL} or more of each: add "
        f"{max(MIN_IMAGES - films, LEAST_OF_A_LABEL - least)} or more."
    )


def _margins(calibration: Calibration, probabilities: ArrayLike) -> NDArray[np.float64]:
    """Return the margins that a calibration turned into these probabilities."""
    clipped = np.clip(np.asarray(probabilities, np.float64), _CLIPPED, 1 - _CLIPPED)
    return np.asarray((logit(clipped) - calibration.offset) * calibration.temperature)


def _out_of_fold(
    labels: NDArray[np.int64], margins: NDArray[np.float64], patients: NDArray[np.object_]
) -> NDArray[np.float64]:
    """Return probabilities with temperatures fitted on other patients."""
    from sklearn.model_selection import StratifiedGroupKFold

    unseen = expit(margins)
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=0)
    for train, test in folds.split(margins, labels, patients):
        if len(np.unique(labels[train])) == 2:
            fitted = fit_calibration(labels[train], margins[train])
            unseen[test] = fitted.probabilities(margins[test])
    return np.asarray(unseen)


def _interval(
    labels: NDArray[np.int64], margins: NDArray[np.float64], patients: NDArray[np.object_]
) -> tuple[float, float]:
    """Return the temperature's 95 % interval over draws of whole patients."""
    draws = Resampling.of(patients, repeats=_REPEATS)
    found = []
    for drawn in draws.drawn:
        rows = np.repeat(np.arange(len(labels)), drawn[draws.group_of])
        if len(np.unique(labels[rows])) == 2:
            found.append(fit_calibration(labels[rows], margins[rows]).temperature)
    return interval(np.array(found)) if draws.patients >= 5 else (math.nan, math.nan)


def _figures(
    labels: NDArray[np.int64], probabilities: ArrayLike, draws: Resampling
) -> dict[str, Estimate]:
    return {
        "brier": brier_estimate(labels, probabilities, draws),
        "ece": ece_estimate(labels, probabilities, draws),
    }


def _scores(checkpoint: Checkpoint, fitted: SiteCalibration) -> pd.DataFrame:
    """Return the site's rows first, because features belong to the last rows."""
    columns = ["id", "patient", "split", "label", "subtype", "probability"]
    own = fitted.table.assign(split="val", probability=fitted.probabilities)
    given = checkpoint.scores.copy()
    given["split"] = "original " + given["split"].astype(str)
    margins = _margins(checkpoint.card.calibration, given["probability"])
    given["probability"] = fitted.calibration.probabilities(margins)
    return pd.concat([own.reindex(columns=columns), given[columns]], ignore_index=True)


def _card(card: Card, fitted: SiteCalibration, name: str) -> Card:
    table = fitted.table
    default = fitted.points[0].threshold
    return replace(
        card,
        name=name,
        run="",
        calibrated_from=f"{card.name} {card.version}",
        temperature=fitted.calibration.temperature,
        offset=fitted.calibration.offset,
        operating_points=fitted.points,
        evaluation={
            "val": evaluate(table["label"], fitted.probabilities, default, table["patient"])
        },
        validation=f"Calibrated on {len(table)} X-rays of one site, from {card.name}.",
        limitations=(
            *card.limitations,
            f"Its temperature and operating points were fitted on {len(table)} X-rays of one "
            "site: they hold there.",
        ),
    )
