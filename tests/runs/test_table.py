"""Runs as a table, and the settings in which two differ."""

import math
from dataclasses import replace
from pathlib import Path

from pneumo_core.runs import Run, runs_table, settings_apart


def test_the_table_has_the_best_epochs_figures(filmed: Run) -> None:
    (row,) = runs_table([filmed]).to_dict("records")
    best = max(filmed.history, key=lambda each: each.val_auc)
    assert (row["Name"], row["Architecture"]) == (filmed.name, filmed.config.model)
    assert row["Validation AUC"] == best.val_auc
    assert row["Specificity"] == best.val_specificity
    assert row["Epochs"] == f"{len(filmed.history)} of {filmed.config.all_epochs}"


def test_only_settings_that_differ_are_rows_and_augmentation_has_parts(filmed: Run) -> None:
    changes = replace(filmed.config.augmentation, rotation=3.0)
    other = replace(filmed, config=replace(filmed.config, seed=99, augmentation=changes))
    found = settings_apart([filmed, other])
    assert sorted(found.index) == ["augmentation_rotation", "seed"]
    assert found.loc["seed"].tolist() == [str(filmed.config.seed), "99"]
    assert settings_apart([filmed, filmed]).empty


def test_a_run_without_an_epoch_has_no_figures(filmed: Run, tmp_path: Path) -> None:
    (tmp_path / "status.json").write_bytes((filmed.folder / "status.json").read_bytes())
    (row,) = runs_table([replace(filmed, folder=tmp_path)]).to_dict("records")
    assert math.isnan(row["Validation AUC"])
