"""Comparison of two checkpoints on the same X-rays, and statistics over seeds."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.errors import PneumoError
from pneumo_core.evaluation.scores import UNLABELLED, Scores
from pneumo_core.metrics import (
    Areas,
    Evaluation,
    McNemar,
    compare_areas,
    evaluate,
    format_rate,
    mcnemar,
)

__all__ = [
    "PUBLISHED",
    "Comparison",
    "Published",
    "Spread",
    "compare",
    "paired_table",
    "seed_groups",
    "spread_of",
]

_FIGURES = ("auc", "accuracy", "sensitivity", "specificity", "f1", "ece")


@dataclass(frozen=True)
class Published:
    """Accuracies reported in the paper that proposed the networks; low and high of a range."""

    network: str
    low: float
    high: float


PUBLISHED = (
    Published("CNN_94", 0.946, 0.946),
    Published("CNN_V2", 0.757, 0.757),
    Published("EfficientNet-B0", 0.50, 0.84),
)
"""Accuracies on the 624 test X-rays; docs/results.md discusses how they were measured."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two checkpoints, each at its own threshold, on the X-rays that both scored.

    ``table``: id, label, patient, split, subtype, ``first`` and ``second`` (probabilities),
    ``first_predicted`` and ``second_predicted`` (0, 1), ``gap`` (second - first); X-rays with
    different predictions come first, largest gap first. ``evaluations``: of the first and the
    second. ``areas``: None unless both classes are present. ``left_out``: number of X-rays that
    only one of them scored, or without a label. ``unreadable`` maps the ids of X-rays that could
    not be read to the reason.
    """

    table: pd.DataFrame
    evaluations: tuple[Evaluation, Evaluation]
    areas: Areas | None
    mcnemar: McNemar
    left_out: int
    unreadable: Mapping[str, str] = field(default_factory=dict)

    @property
    def disagreements(self) -> pd.DataFrame:
        """The X-rays with different predictions, largest gap first."""
        return self.table[self.table["first_predicted"] != self.table["second_predicted"]]

    @property
    def sentence(self) -> str:
        """The results of the tests, in words."""
        return f"{_about_areas(self.areas)} {_about_calls(self.mcnemar)}"


@dataclass(frozen=True)
class Spread:
    """A metric over several seeds: mean and sample standard deviation (NaN for one seed)."""

    mean: float
    deviation: float
    n: int


def compare(first: Scores, second: Scores, thresholds: tuple[float, float]) -> Comparison:
    """Compare two checkpoints' scores of the same X-rays, matched by id.

    Raises PneumoError when they have no labelled X-ray in common, or different labels for one.
    """
    table = paired_table(first, second)
    everyone = len(set(first.table["id"]) | set(second.table["id"]))
    calls = [(table[side] >= threshold).astype(int) for side, threshold in _sides(thresholds)]
    table = table.assign(
        first_predicted=calls[0], second_predicted=calls[1], gap=table["second"] - table["first"]
    )
    agreed = (table["first_predicted"] == table["second_predicted"]).to_numpy()
    table = table.iloc[np.lexsort((-table["gap"].abs().to_numpy(), agreed))].reset_index(drop=True)
    labels, patients = table["label"], table["patient"]
    both = [evaluate(labels, table[side], t, patients) for side, t in _sides(thresholds)]
    areas = None
    if labels.nunique() == 2:
        areas = compare_areas(labels, table["first"], table["second"], patients)
    test = mcnemar(labels, table["first_predicted"], table["second_predicted"])
    unreadable = {**first.unreadable, **second.unreadable}
    return Comparison(table, (both[0], both[1]), areas, test, everyone - len(table), unreadable)


def paired_table(first: Scores, second: Scores) -> pd.DataFrame:
    """Return the labelled X-rays that both scored.

    Columns: id, label, patient, split, subtype, first, second.

    Raises PneumoError; see ``compare``.
    """
    columns = ["id", "label", "patient", "split", "subtype", "probability"]
    one = first.table[columns].rename(columns={"probability": "first"})
    other = second.table[["id", "label", "probability"]].rename(
        columns={"probability": "second", "label": "other_label"}
    )
    both = one.merge(other, on="id")
    known = both[(both["label"] != UNLABELLED) & (both["other_label"] != UNLABELLED)]
    if known.empty:
        raise PneumoError(
            f"'{first.checkpoint or first.name}' and '{second.checkpoint or second.name}' have no "
            "labelled X-ray in common. Score the same X-rays with both."
        )
    apart = known[known["label"] != known["other_label"]]
    if len(apart):
        raise PneumoError(
            f"The two tables have different labels for {len(apart)} X-rays, the first of them "
            f"'{apart['id'].iloc[0]}'. Use tables with the same labels."
        )
    return known.drop(columns="other_label").reset_index(drop=True)


def seed_groups(checkpoints: Sequence[Checkpoint]) -> list[list[Checkpoint]]:
    """Group checkpoints that differ in their seed only: same model, X-rays and training config."""
    groups: dict[str, list[Checkpoint]] = {}
    for each in checkpoints:
        groups.setdefault(_but_for_seed(each), []).append(each)
    return list(groups.values())


def spread_of(evaluations: Sequence[Evaluation]) -> Mapping[str, Spread]:
    """Return mean and standard deviation of each metric over seeds, by its name."""
    found = {}
    for figure in _FIGURES:
        values = np.array([getattr(each, figure).value for each in evaluations])
        deviation = float(values.std(ddof=1)) if len(values) > 1 else math.nan
        found[figure] = Spread(float(values.mean()), deviation, len(values))
    return found


def _but_for_seed(checkpoint: Checkpoint) -> str:
    card = checkpoint.card
    if card.members:
        return f"ensemble {card.version}"
    apart = {"seed", "keep_epochs"}  # has no effect on the weights
    config = {name: value for name, value in card.training.items() if name not in apart}
    facts = [card.model, card.dataset.fingerprint, card.origin, config]
    return json.dumps(facts, sort_keys=True, default=str)


def _sides(thresholds: tuple[float, float]) -> list[tuple[str, float]]:
    return list(zip(("first", "second"), thresholds, strict=True))


def _about_areas(areas: Areas | None) -> str:
    if areas is None:
        return "With one class only there is no area under the ROC curve to compare."
    if math.isnan(areas.difference.low):
        differs = f"{areas.difference.value:+.3f}"
        return f"These X-rays do not show which model ranks better: AUC differs by {differs}."
    if math.isnan(areas.p):
        return "Both rank the X-rays in the same order."
    difference = str(areas.difference)
    if areas.p < 0.05:
        better = "first" if areas.difference.value > 0 else "second"
        return (
            f"The {better} ranks the X-rays better: AUC differs by {difference}, p {_p(areas.p)}."
        )
    return f"Neither clearly ranks the X-rays better: AUC differs by {difference}, p {_p(areas.p)}."


def _about_calls(test: McNemar) -> str:
    counts = f"{test.only_first} X-rays only the first, {test.only_second} only the second"
    if test.p < 0.05:
        better = "first" if test.only_first > test.only_second else "second"
        return f"The {better} is right about more X-rays ({counts}; p {_p(test.p)})."
    return f"Neither is clearly right about more X-rays ({counts}; p {_p(test.p)})."


def _p(p: float) -> str:
    if p < 0.001:
        return f"= {p:.1e}"
    written = format_rate(p)
    return written if written.startswith(">") else f"= {written}"
