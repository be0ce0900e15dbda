"""``pneumo evaluate`` and ``compare``: models on many X-rays."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pneumo_core.cli._scores import evaluate_scores, print_figures, save_list
from pneumo_core.cli._shared import (
    DataOption,
    JsonOption,
    ModelOption,
    PointOption,
    ShippedOption,
    SplitOption,
    ValidationOption,
    app,
    dataset_folder,
    dataset_given,
    open_dataset,
    say_left_out,
    say_remarks,
    validation_choice,
    without_nan,
)
from pneumo_core.cli._shortcuts import (
    PropertiesOption,
    measure_dataset,
    print_quartiles,
    read_further,
    records,
)
from pneumo_core.cli._terminal import err, out, print_table, progress_bar
from pneumo_core.errors import PneumoError

if TYPE_CHECKING:
    from pneumo_core.checkpoints import Checkpoint
    from pneumo_core.datasets import Dataset
    from pneumo_core.evaluation import Comparison, DatasetEvaluation, Scores
    from pneumo_core.evaluation.shortcuts import ByQuartile, FurtherProperties


@app.command()
def evaluate(
    data_folder: DataOption = None,
    split: SplitOption = "test",
    model: ModelOption = None,
    operating_point: PointOption = None,
    shortcuts: Annotated[
        bool, typer.Option("--shortcuts", help="Count errors by properties other than disease.")
    ] = False,
    properties: PropertiesOption = None,
    validation: ValidationOption = None,
    as_json: JsonOption = False,
    scores: Annotated[
        Path | None,
        typer.Option(
            "--scores",
            help="Evaluate scores instead: CSV, Parquet, or a folder of 'predict --out'. The "
            "threshold is that of --threshold, or of --model at --operating-point.",
        ),
    ] = None,
    threshold: Annotated[
        float | None, typer.Option("--threshold", min=0, max=1, help="With --scores.")
    ] = None,
    listed: Annotated[
        Path | None,
        typer.Option("--out", help="Save a row for each X-ray as CSV, the worst errors first."),
    ] = None,
) -> None:
    """Evaluate a model on a split of a dataset, or scores in a file."""
    from pneumo_core.checkpoints import load_checkpoint
    from pneumo_core.evaluation import Scores, evaluate_dataset

    if listed is not None and listed.exists():
        raise PneumoError(f"'{listed}' exists already. Name another file.")
    if scores is not None:
        if any(given is not None for given in (data_folder, properties, validation)) or shortcuts:
            raise typer.BadParameter(
                "--scores cannot be combined with --data, --shortcuts, --properties or --validation"
            )
        evaluate_scores(scores, model, operating_point, threshold, as_json=as_json, listed=listed)
        return
    if threshold is not None:
        raise typer.BadParameter("--threshold needs --scores")
    if properties is not None and not shortcuts:
        raise typer.BadParameter("--properties needs --shortcuts")
    checkpoint = load_checkpoint(model or None)
    dataset = open_dataset(checkpoint, dataset_folder(data_folder), validation)
    further = read_further(properties, dataset)
    with progress_bar("Decoding X-rays") as decoding, progress_bar("Scoring X-rays") as scoring:
        result = evaluate_dataset(
            checkpoint,
            dataset,
            split,
            operating_point=operating_point,
            decoding=decoding,
            scoring=scoring,
        )
    say_left_out(result.unreadable.values())
    say_remarks(result.remarks)
    if listed is not None:
        save_list(Scores(result.scores, dataset.name), result.operating_point.threshold, listed)
    quartiles = _quartiles(dataset, result, further) if shortcuts else []
    if as_json:
        told = {"shortcuts": records(quartiles)} if shortcuts else {}
        print(json.dumps(without_nan(result.as_dict()) | told))
        return
    print_figures(result.figures, f"{result.model} on {split}", result.operating_point.name)
    if shortcuts:
        print_quartiles(quartiles)


def _quartiles(
    dataset: "Dataset", result: "DatasetEvaluation", further: "FurtherProperties | None"
) -> "list[ByQuartile]":
    """Return errors by quartile of each property; the whole dataset is measured once."""
    from pneumo_core.evaluation.shortcuts import by_quartile

    measured = measure_dataset(dataset, further)
    for note in measured.notes:
        err.print(note, markup=False)
    return by_quartile(result.scores, measured, result.operating_point.threshold)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A model.")],
    second: Annotated[str, typer.Argument(help="Another model.")],
    data_folder: DataOption = None,
    split: SplitOption = "test",
    validation: ValidationOption = None,
    shipped: ShippedOption = False,
    as_json: JsonOption = False,
) -> None:
    """Compare two models on the same X-rays, each at its default operating point.

    Without --data and PNEUMO_DATA, or with --shipped, their stored scores are compared.
    """
    from pneumo_core.checkpoints import load_checkpoint
    from pneumo_core.evaluation import compare as measure

    checkpoints = [load_checkpoint(name) for name in (first, second)]
    folder = None if shipped else dataset_given(data_folder)
    scores = [_scores(each, folder, split, validation) for each in checkpoints]
    one, other = (each.card.operating_point().threshold for each in checkpoints)
    compared = measure(scores[0], scores[1], (one, other))
    say_left_out(compared.unreadable.values())
    say_remarks(compared.remarks)
    if as_json:
        print(json.dumps(without_nan(_facts(first, second, split, compared))))
        return
    table = Table("figure", first, second, box=SIMPLE_HEAD, title=f"{scores[0].name}")
    for figure in ("auc", "accuracy", "sensitivity", "specificity", "f1", "ece"):
        table.add_row(figure, *(str(getattr(each, figure)) for each in compared.evaluations))
    print_table(table)
    out.print(f"First: {first}, second: {second}. {compared.sentence}", markup=False)
    out.print(
        f"{len(compared.disagreements)} of {len(compared.table)} X-rays predicted differently."
    )


def _scores(
    checkpoint: "Checkpoint", folder: Path | None, split: str, validation: str | None
) -> "Scores":
    from pneumo_core.evaluation import dataset_scores, shipped_scores
    from pneumo_core.inference import dataset_for

    if folder is None:
        return shipped_scores(checkpoint, split)
    dataset = dataset_for(checkpoint, folder, validation=validation_choice(validation))
    films = dataset.split(split)
    with progress_bar("Decoding X-rays") as decoding, progress_bar("Scoring X-rays") as scoring:
        return dataset_scores(checkpoint, films, decoding=decoding, scoring=scoring)


def _facts(first: str, second: str, split: str, compared: "Comparison") -> dict[str, object]:
    areas, test = compared.areas, compared.mcnemar
    return {
        "first": first,
        "second": second,
        "split": split,
        "n": len(compared.table),
        "auc_difference": areas.difference.value if areas else None,
        "auc_difference_low": areas.difference.low if areas else None,
        "auc_difference_high": areas.difference.high if areas else None,
        "delong_p": areas.p if areas else None,
        "only_first_right": test.only_first,
        "only_second_right": test.only_second,
        "mcnemar_p": test.p,
        "predicted_differently": len(compared.disagreements),
        "left_out": compared.left_out,
        "unreadable": dict(compared.unreadable),
        "remarks": dict(compared.remarks),
    }
