"""Rates at any threshold: those of test films where there are any of both labels."""

import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pneumo_core.checkpoints import Checkpoint, OperatingPoint
from pneumo_core.metrics import Estimate, wilson_interval
from pneumo_core.reading import CUSTOM, custom_point, rates_at, rates_of


def with_scores(checkpoint: Checkpoint, folder: Path, **splits: tuple[int, int]) -> Checkpoint:
    """A copy with so many normal and ill films a split: probabilities 0.1, 0.2, ... in each."""
    rows = [
        (f"{split}/{label}/{n}.png", split, label, (n + 1) / 10)
        for split, counts in splits.items()
        for label, count in enumerate(counts)
        for n in range(count)
    ]
    table = pd.DataFrame(rows, columns=["id", "split", "label", "probability"])
    shutil.copytree(checkpoint.folder, folder)
    table = table.assign(patient=table["id"], subtype="").astype({"probability": np.float32})
    table.to_parquet(folder / "scores.parquet", index=False)
    return Checkpoint(folder, checkpoint.card)


def test_the_rates_are_those_of_the_test_films(checkpoint: Checkpoint, tmp_path: Path) -> None:
    """Of 0.1 to 0.8 (normal) 3 lie below 0.35, of 0.1 to 0.5 (ill) 2 above."""
    scored = with_scores(checkpoint, tmp_path / "c", val=(1, 1), test=(8, 5))
    rates = rates_at(scored, 0.35)
    assert rates is not None
    assert (rates.films, rates.caution) == ("13 test X-rays", "")
    assert rates.sensitivity == Estimate(2 / 5, *wilson_interval(2, 5))
    assert rates.specificity == Estimate(3 / 8, *wilson_interval(3, 8))
    assert rates_of(scored, scored.card.operating_point("screening")).split == "test"
    point = custom_point(scored, 0.35)
    assert (point.name, point.threshold, point.chosen_on) == (CUSTOM, 0.35, "test")
    assert point.specificity == rates.specificity


def test_without_test_films_they_are_those_of_the_validation_films_and_it_says_so(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    rates = rates_at(with_scores(checkpoint, tmp_path / "c", val=(4, 4)), 0.25)
    assert rates is not None
    assert rates.films == "8 validation X-rays"
    assert "no test results" in rates.caution
    assert (rates.sensitivity.value, rates.specificity.value) == (0.5, 0.5)


def test_a_split_with_both_labels_goes_before_one_with_one(
    checkpoint: Checkpoint, tmp_path: Path
) -> None:
    rates = rates_at(with_scores(checkpoint, tmp_path / "c", val=(4, 4), test=(0, 9)), 0.25)
    assert rates is not None
    assert rates.split == "val"
    alone = rates_at(with_scores(checkpoint, tmp_path / "d", test=(0, 9)), 0.25)
    assert alone is not None
    assert math.isnan(alone.specificity.value), "there is no such film"


def test_another_split_is_named(checkpoint: Checkpoint, tmp_path: Path) -> None:
    scored = with_scores(checkpoint, tmp_path / "c", **{"out-of-fold": (2, 2)})
    rates = rates_at(scored, 0.25)
    assert rates is not None
    assert rates.films == "4 out-of-fold X-rays"


def test_where_the_scores_are_gone_the_card_speaks(checkpoint: Checkpoint, tmp_path: Path) -> None:
    gone = Checkpoint(tmp_path, checkpoint.card)
    tested = checkpoint.card.evaluation["test"]
    rates = rates_of(gone, checkpoint.card.operating_point())
    assert (rates.split, rates.sensitivity) == ("test", tested.sensitivity)
    other = OperatingPoint("strict", 0.9, "", "val", tested.sensitivity, tested.specificity)
    rates = rates_of(gone, other)
    assert (rates.films, rates.sensitivity) == ("validation X-rays", tested.sensitivity)
    ppv, _ = rates.predictive_values(0.2)
    assert math.isnan(ppv.low), "nobody knows of how many films"


def test_the_shipped_default_is_not_perfect() -> None:
    """Its validation films gave a specificity of 1.000 and a PPV of 100.0 %."""
    root = Path(__file__).parents[2] / "checkpoints"
    from pneumo_core.checkpoints import load_checkpoint

    checkpoint = load_checkpoint("pneumo", root)
    rates = rates_of(checkpoint, checkpoint.card.operating_point())
    assert rates.split == "test"
    assert rates.specificity.value == checkpoint.card.evaluation["test"].specificity.value
    ppv, npv = rates.predictive_values(0.2)
    assert ppv.low < ppv.value < ppv.high < 1
    assert npv.low < npv.value < npv.high < 1


def test_a_threshold_is_a_probability(checkpoint: Checkpoint) -> None:
    with pytest.raises(ValueError, match=r"1\.5"):
        custom_point(checkpoint, 1.5)
