"""The report of the Evaluate page finds measurements of other sessions and of the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pneumo_core.app.evaluate.shortcut_quartiles import quartiles_at
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.datasets import scan
from pneumo_core.evaluation import Study, dataset_scores
from pneumo_core.evaluation.shortcuts import by_quartile, installed_finder, measure_dataset

Maker = Callable[..., Path]


@pytest.fixture
def folder(film_folder: Maker, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = film_folder({"test": 24})
    monkeypatch.setenv("PNEUMO_DATA", str(made))
    return made


def test_what_was_measured_elsewhere_is_in_the_report(checkpoint: Checkpoint, folder: Path) -> None:
    study = Study(dataset_scores(checkpoint, scan(folder)))
    assert quartiles_at(study, 0.5)() is None, "nothing is measured for a report"
    stored = measure_dataset(scan(folder), finder=installed_finder())
    found = quartiles_at(study, 0.5)()
    assert found == tuple(by_quartile(study.table, stored, 0.5))
    assert found


def test_a_dataset_that_is_gone_leaves_the_report_without_quartiles(
    checkpoint: Checkpoint, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(dataset_scores(checkpoint, scan(folder)))
    measure_dataset(scan(folder), finder=installed_finder())
    monkeypatch.setenv("PNEUMO_DATA", str(folder / "gone"))
    assert quartiles_at(study, 0.5)() is None
