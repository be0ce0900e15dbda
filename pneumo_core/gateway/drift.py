"""Drift: compare recent probabilities with those of the model's validation X-rays.

An alarm needs both figures: the population stability index, which measures how large the difference
is, and the two-sample Kolmogorov-Smirnov test (scipy), which tells whether it could be chance. On
many X-rays the test alone finds differences too small to matter; on few the index alone reacts to
chance. Where pneumonia is rarer than among the validation X-rays, the alarm is on from the start.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import ks_2samp

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.gateway.config import Drift
from pneumo_core.gateway.queue import Queue

__all__ = ["DriftFigures", "by_day_and_device", "drift_of", "recent_drift", "stability_index"]

_BINS = 10
_LEAST_SHARE = 1e-4


@dataclass(frozen=True)
class DriftFigures:
    """Drift of ``films`` recent probabilities from ``reference`` ones; NaN if there are too few."""

    films: int
    reference: int
    stability_index: float
    p_value: float
    alarm: bool

    @property
    def sentence(self) -> str:
        """Return the figures in a sentence."""
        if math.isnan(self.stability_index):
            return f"{self.films} X-rays are too few for a comparison with the validation X-rays."
        figures = f"stability index {self.stability_index:.2f}, p = {self.p_value:.2g}"
        if self.alarm:
            return (
                f"The probabilities of {self.films} X-rays differ from those of the "
                f"{self.reference} validation X-rays ({figures}). Look at what is being sent, and "
                "calibrate the model for this site."
            )
        return f"No drift on {self.films} X-rays ({figures})."


def stability_index(reference: ArrayLike, recent: ArrayLike) -> float:
    """Return the population stability index over tenths of the reference: 0 for no difference.

    Σ (r - q) ln(r / q) over ten bins with a tenth of the reference in each; 0.1 to 0.25 is usually
    called a small change, more a large one (Siddiqi 2006, Credit Risk Scorecards). Empty bins count
    as 0.0001.
    """
    before, now = np.asarray(reference, float), np.asarray(recent, float)
    edges = np.quantile(before, np.linspace(0, 1, _BINS + 1)[1:-1])
    shares = [
        np.bincount(np.searchsorted(edges, each, side="right"), minlength=_BINS) / len(each)
        for each in (before, now)
    ]
    q, r = (np.maximum(each, _LEAST_SHARE) for each in shares)
    return float(np.sum((r - q) * np.log(r / q)))


def drift_of(reference: ArrayLike, recent: ArrayLike, rules: Drift) -> DriftFigures:
    """Compare probabilities float (N,) with those of the reference."""
    before, now = np.asarray(reference, float), np.asarray(recent, float)
    if len(now) < rules.least or len(before) < rules.least:
        return DriftFigures(len(now), len(before), math.nan, math.nan, alarm=False)
    index, p_value = stability_index(before, now), float(ks_2samp(before, now).pvalue)
    alarm = index > rules.stability_index and p_value < rules.p_value
    return DriftFigures(len(now), len(before), index, p_value, alarm)


def recent_drift(queue: Queue, checkpoint: Checkpoint, rules: Drift) -> DriftFigures:
    """Compare this checkpoint's results of the last days with its validation X-rays.

    Raises PneumoError if the queue or the checkpoint's scores can't be read.
    """
    since = (datetime.now() - timedelta(days=rules.days)).timestamp()
    rows = queue.rows(
        "SELECT probability FROM films WHERE received >= ? AND probability IS NOT NULL "
        "AND model = ?",
        *(since, f"{checkpoint.name} {checkpoint.card.version}"),
    )
    scores = checkpoint.scores
    validation = scores.loc[scores["split"] == "val", "probability"]
    return drift_of(validation.to_numpy(), [row[0] for row in rows], rules)


def by_day_and_device(queue: Queue, days: int) -> pd.DataFrame:
    """Return a row for each day and device: films, refused, failed, and quartiles of probability.

    ``day`` is the local date; quartiles are NaN where nothing was read.
    """
    since = (datetime.now() - timedelta(days=days)).timestamp()
    query = "SELECT received, device, state, probability FROM films WHERE received >= ?"
    table = pd.DataFrame(
        [tuple(row) for row in queue.rows(query, since)],
        columns=["received", "device", "state", "probability"],
    )
    table["day"] = [datetime.fromtimestamp(each).date() for each in table["received"]]
    table["probability"] = table["probability"].astype(float)
    groups = table.groupby(["day", "device"])
    return groups.agg(
        films=("state", "size"),
        refused=("state", lambda each: int((each == "refused").sum())),
        failed=("state", lambda each: int((each == "failed").sum())),
        lower_quartile=("probability", lambda each: each.quantile(0.25)),
        median=("probability", "median"),
        upper_quartile=("probability", lambda each: each.quantile(0.75)),
    ).reset_index()
