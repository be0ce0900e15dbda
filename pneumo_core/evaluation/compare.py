"""Comparison of two checkpoints on the same X-rays, and statistics over seeds."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

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
    holm,
    mcnemar,
)

__all__ = [
    "PUBLISHED",
    "PUBLISHED_HOW",
    "Comparison",
    "PairTest",
    "Published",
    "Spread",
    "compare",
    "compare_pairs",
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
"""Accuracies on the 624 test X-rays."""

PUBLISHED_HOW = (
    "Accuracies of the paper that proposed these networks, on the same 624 test X-rays. They are "
    "not comparable with the models here: the test split also chose the models, and the paper's "
    "test loop judges each batch of 50 by its first two X-rays, so that 94.6 % rests on about 26 "
    "predictions counted many times. The documentation's page 'Results' has the same protocol "
    "evaluated on all 624."
)
"""How ``PUBLISHED`` was measured."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two checkpoints, each at its own threshold, on the X-rays that both scored.

    ``table``: id, label, patient, split, subtype, ``first`` and ``second`` (probabilities),
    ``first_predicted`` and ``second_predicted`` (0, 1), ``gap`` (second - first); X-rays with
    different predictions come first, largest gap first. ``evaluations``: of the first and the
    second. ``areas``: None unless both classes are present. ``left_out``: number of X-rays that
    only one of them scored, or without a label. ``unreadable`` maps the ids of X-rays that could
    not be read to the reason. ``remarks``: those of both ``Scores``.
    """

    table: pd.DataFrame
    evaluations: tuple[Evaluation, Evaluation]
    areas: Areas | None
    mcnemar: McNemar
    left_out: int
    unreadable: Mapping[str, str] = field(default_factory=dict)
    remarks: Mapping[str, str] = field(default_factory=dict)

    @property
    def disagreements(self) -> pd.DataFrame:
        """The X-rays with different predictions, largest gap first."""
        return self.table[self.table["first_predicted"] != self.table["second_predicted"]]

    @property
    def sentence(self) -> str:
        """The results of the tests, in words."""
        return f"{_about_areas(self.areas)} {_about_calls(self.mcnemar)}"


@dataclass(frozen=True)
class PairTest:
    """The tests of two of several models, ``first`` and ``second`` by their place.

    ``areas_p`` and ``calls_p``: p of DeLong's and of McNemar's test, each corrected by Holm's
    method for the number of pairs. ``n``: X-rays that both scored; ``differ``: those they predict
    differently.
    """

    first: int
    second: int
    areas: Areas | None
    mcnemar: McNemar
    areas_p: float
    calls_p: float
    n: int
    differ: int

    def sentence(self, names: Sequence[str]) -> str:
        """Say in words which of the two is better, by the corrected p."""
        pair = (names[self.first], names[self.second])
        areas = None if self.areas is None else replace(self.areas, p=self.areas_p)
        calls = replace(self.mcnemar, p=self.calls_p)
        return f"{_about_areas(areas, pair)} {_about_calls(calls, pair)}"


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
    remarks = {**first.remarks, **second.remarks}
    counts = (both[0], both[1])
    left_out = everyone - len(table)
    return Comparison(table, counts, areas, test, left_out, unreadable, remarks)


def on_common(scores: Sequence[Scores]) -> tuple[list[Scores], int]:
    """Return the scores of the X-rays that all models scored, and how many others there are."""
    ids = [set(each.table["id"]) for each in scores]
    common, everyone = set.intersection(*ids), set.union(*ids)
    kept = [
        replace(each, table=each.table[each.table["id"].isin(common)].reset_index(drop=True))
        for each in scores
    ]
    return kept, len(everyone) - len(common)


def compare_pairs(scores: Sequence[Scores], thresholds: Sequence[float]) -> list[PairTest]:
    """Test every pair of models on the X-rays that both scored, each at its own threshold.

    Raises PneumoError; see ``compare``.
    """
    pairs = list(combinations(range(len(scores)), 2))
    found = [_test_pair(scores, thresholds, *pair) for pair in pairs]
    areas = holm([each.areas.p if each.areas else math.nan for each in found])
    calls = holm([each.mcnemar.p for each in found])
    return [
        replace(each, areas_p=float(a), calls_p=float(c))
        for each, a, c in zip(found, areas, calls, strict=True)
    ]


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


def _test_pair(
    scores: Sequence[Scores], thresholds: Sequence[float], first: int, second: int
) -> PairTest:
    """Test one pair; p is not corrected yet."""
    table = paired_table(scores[first], scores[second])
    labels = table["label"]
    calls = [table["first"] >= thresholds[first], table["second"] >= thresholds[second]]
    test = mcnemar(labels, calls[0].astype(int), calls[1].astype(int))
    areas = None
    if labels.nunique() == 2:
        areas = compare_areas(labels, table["first"], table["second"], table["patient"])
    p = areas.p if areas else math.nan
    differ = int((calls[0] != calls[1]).sum())
    return PairTest(first, second, areas, test, p, test.p, len(table), differ)


def _but_for_seed(checkpoint: Checkpoint) -> str:
    card = checkpoint.card
    if card.members:
        return f"ensemble {card.version}"
    apart = {"seed", "keep_epochs"}  # has no effect on the weights
    config = {name: value for name, value in card.training.items() if name not in apart}
    site = card.version if card.calibrated_from else ""
    facts = [card.model, card.dataset.fingerprint, card.origin, config, site]
    return json.dumps(facts, sort_keys=True, default=str)


def _sides(thresholds: tuple[float, float]) -> list[tuple[str, float]]:
    return list(zip(("first", "second"), thresholds, strict=True))


_SIDES = ("the first", "the second")


def _about_areas(areas: Areas | None, names: tuple[str, str] = _SIDES) -> str:
    if areas is None:
        return "With one class only there is no area under the ROC curve to compare."
    if math.isnan(areas.difference.low):
        differs = f"{areas.difference.value:+.3f}"
        return f"These X-rays do not show which model ranks better: difference in AUC {differs}."
    if math.isnan(areas.p):
        return "Both rank the X-rays in the same order."
    better = "Neither clearly"
    if areas.p < 0.05:
        better = _begin(names[0 if areas.difference.value > 0 else 1])
    differs = f"difference in AUC {areas.difference}, p {_p(areas.p)}"
    return f"{better} ranks the X-rays better: {differs}."


def _about_calls(test: McNemar, names: tuple[str, str] = _SIDES) -> str:
    counts = f"{test.only_first} only by {names[0]}, {test.only_second} only by {names[1]}"
    if test.p < 0.05:
        better = _begin(names[0 if test.only_first > test.only_second else 1])
        return f"{better} gets more X-rays right ({counts}; p {_p(test.p)})."
    return f"Neither clearly gets more X-rays right ({counts}; p {_p(test.p)})."


def _begin(name: str) -> str:
    """Begin a sentence with a side; a model's name keeps its letters."""
    return name.capitalize() if name in _SIDES else name


def _p(p: float) -> str:
    written = format_rate(p)
    return written if written.startswith(("<", ">")) else f"= {written}"
