"""``pneumo robustness``: a model on X-rays that were changed."""

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pneumo_core.cli._shared import (
    DataOption,
    JsonOption,
    ModelOption,
    PointOption,
    SplitOption,
    ValidationOption,
    app,
    dataset_folder,
    open_dataset,
    say_left_out,
    without_nan,
)
from pneumo_core.cli._terminal import print_table, progress_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pneumo_core.evaluation import ChangedImages, CorruptedImages


@app.command()
def robustness(
    data_folder: DataOption = None,
    split: SplitOption = "test",
    model: ModelOption = None,
    operating_point: PointOption = None,
    corruptions: Annotated[
        bool,
        typer.Option("--corruptions", help="MedMNIST-C's 13 corruptions at five severities."),
    ] = False,
    validation: ValidationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Evaluate a split again with its X-rays cropped, rotated, compressed and so on."""
    from pneumo_core.checkpoints import load_checkpoint
    from pneumo_core.evaluation import corruption_robustness
    from pneumo_core.evaluation import robustness as measure

    checkpoint = load_checkpoint(model or None)
    films = open_dataset(checkpoint, dataset_folder(data_folder), validation).split(split)
    corrupted: list[CorruptedImages] = []
    with progress_bar("Scoring X-rays") as progress:
        if corruptions:
            clean, corrupted = corruption_robustness(
                checkpoint, films, operating_point=operating_point, progress=progress
            )
            rows = [clean, *(each for row in corrupted for each in row.by_severity)]
        else:
            rows = measure(checkpoint, films, operating_point=operating_point, progress=progress)
    say_left_out(rows[0].unreadable.values())
    if as_json:
        print(json.dumps([_changed(row) for row in rows], ensure_ascii=False))
        return
    print_table(_corruption_table(rows[0], corrupted) if corruptions else _change_table(rows))


def _changed(row: "ChangedImages") -> dict[str, str | float | None]:
    counts = row.confusion
    figures = {
        "auc": row.auc,
        "accuracy": counts.accuracy,
        "balanced_accuracy": row.balanced_accuracy,
        "sensitivity": counts.sensitivity,
        "specificity": counts.specificity,
        "n": counts.n,
    }
    return {"change": row.change, **without_nan(figures)}


def _change_table(rows: "Sequence[ChangedImages]") -> Table:
    from pneumo_core.metrics import format_rate

    table = Table("X-rays", "AUC", "accuracy", "sensitivity", "specificity", box=SIMPLE_HEAD)
    for row in rows:
        counts = row.confusion
        figures = (row.auc, counts.accuracy, counts.sensitivity, counts.specificity)
        table.add_row(row.change, *(format_rate(figure) for figure in figures))
    return table


def _corruption_table(clean: "ChangedImages", rows: "Sequence[CorruptedImages]") -> Table:
    """Balanced accuracy by severity, then its mean and the mean AUC."""
    from pneumo_core.evaluation import SEVERITIES
    from pneumo_core.metrics import format_rate

    severities = [str(each) for each in SEVERITIES]
    table = Table("corruption", *severities, "mean", "mean AUC", box=SIMPLE_HEAD)
    figures = [clean.balanced_accuracy, clean.auc]
    table.add_row(clean.change, *[""] * len(severities), *map(format_rate, figures))
    for row in rows:
        figures = [each.balanced_accuracy for each in row.by_severity]
        figures += [row.mean(lambda each: each.balanced_accuracy), row.mean(lambda each: each.auc)]
        table.add_row(row.corruption, *map(format_rate, figures))
    table.caption = "Balanced accuracy by severity"
    return table
