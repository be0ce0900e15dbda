"""``pneumo evaluate``, ``compare`` and ``embed``: models on many X-rays."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pneumo_core.cli._batch import AddressOption, BatchOptions, EngineOption, WorkersOption
from pneumo_core.cli._batch import run as run_batch
from pneumo_core.cli._scores import evaluate_scores, print_figures, save_list
from pneumo_core.cli._shared import (
    DataOption,
    JsonOption,
    ModelOption,
    PointOption,
    SplitOption,
    ValidationOption,
    app,
    dataset_folder,
    dataset_given,
    open_dataset,
    say_left_out,
    validation_choice,
    without_nan,
)
from pneumo_core.cli._shortcuts import measure_dataset, print_quartiles, records
from pneumo_core.cli._terminal import out, print_table, progress_bar
from pneumo_core.errors import PneumoError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas import DataFrame

    from pneumo_core.checkpoints import Checkpoint
    from pneumo_core.datasets import Dataset
    from pneumo_core.evaluation import Comparison, DatasetEvaluation, Scores
    from pneumo_core.evaluation.shortcuts import ByQuartile

ShippedOption = Annotated[
    bool,
    typer.Option("--shipped", help="Use the stored scores, even if PNEUMO_DATA is set."),
]


@app.command()
def evaluate(
    data_folder: DataOption = None,
    split: SplitOption = "test",
    model: ModelOption = None,
    operating_point: PointOption = None,
    shortcuts: Annotated[
        bool, typer.Option("--shortcuts", help="Count errors by properties other than disease.")
    ] = False,
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
        if data_folder is not None or shortcuts or validation is not None:
            raise typer.BadParameter(
                "--scores cannot be combined with --data, --shortcuts or --validation"
            )
        evaluate_scores(scores, model, operating_point, threshold, as_json=as_json, listed=listed)
        return
    if threshold is not None:
        raise typer.BadParameter("--threshold needs --scores")
    checkpoint = load_checkpoint(model or None)
    dataset = open_dataset(checkpoint, dataset_folder(data_folder), validation)
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
    if listed is not None:
        save_list(Scores(result.scores, dataset.name), result.operating_point.threshold, listed)
    quartiles = _quartiles(dataset, result) if shortcuts else []
    if as_json:
        told = {"shortcuts": records(quartiles)} if shortcuts else {}
        print(json.dumps(without_nan(result.as_dict()) | told))
        return
    print_figures(result.figures, f"{result.model} on {split}", result.operating_point.name)
    if shortcuts:
        print_quartiles(quartiles)


def _quartiles(dataset: "Dataset", result: "DatasetEvaluation") -> "list[ByQuartile]":
    """Return errors by quartile of each property; the whole dataset is measured once."""
    from pneumo_core.evaluation.shortcuts import by_quartile

    properties = measure_dataset(dataset).table
    return by_quartile(result.scores, properties, result.operating_point.threshold)


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
    }


@app.command()
def embed(
    target: Annotated[
        Path,
        typer.Option("--out", help="File to write a map to (.parquet or .csv), or a folder."),
    ],
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="With a folder: X-rays, folders, patterns, manifests, archives, URLs."),
    ] = None,
    data_folder: DataOption = None,
    split: SplitOption = "test",
    model: ModelOption = None,
    layer: Annotated[
        str, typer.Option(help="penultimate, pixels, 'last maps', or a convolution's name.")
    ] = "penultimate",
    method: Annotated[str, typer.Option(help="pca, tsne or umap.")] = "tsne",
    dimensions: Annotated[int, typer.Option(min=2, max=3)] = 2,
    perplexity: Annotated[float, typer.Option(min=1)] = 40.0,
    iterations: Annotated[int, typer.Option(min=1, help="Largest number for t-SNE.")] = 500,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    validation: ValidationOption = None,
    shipped: ShippedOption = False,
    engine: EngineOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
) -> None:
    """Write a map to a file: a row per X-ray with id, label, split, x, y (and z).

    With a folder as --out, write the features themselves to parquet files; run again, it
    resumes. The X-rays are those named, or a dataset's.

    Without --data and PNEUMO_DATA, or with --shipped, the features stored with the model are
    mapped.
    """
    from pneumo_core.checkpoints import load_checkpoint
    from pneumo_core.embeddings import as_table, features_of, merit, project, shipped_features
    from pneumo_core.metrics import format_rate

    checkpoint = load_checkpoint(model or None)
    if not target.suffix or target.is_dir():
        options = BatchOptions(engine, workers, address)
        chosen = sources or _batch_items(checkpoint, data_folder, split, validation)
        raise typer.Exit(0 if _embed_batch(checkpoint, target, layer, chosen, options) else 1)
    if sources:
        raise typer.BadParameter("name X-rays with a folder only: --out FOLDER")
    write = _writer(target)
    folder = None if shipped else dataset_given(data_folder)
    if folder is None:
        features = shipped_features(checkpoint, split)
    else:
        films = open_dataset(checkpoint, folder, validation).split(split)
        with progress_bar("Decoding X-rays") as decoding, progress_bar("Computing features") as bar:
            features = features_of(checkpoint, films, layer, decoding=decoding, looking=bar)
    with progress_bar("Drawing the map") as drawing:
        found = project(
            features.values,
            method,
            dimensions=dimensions,
            perplexity=perplexity,
            iterations=iterations,
            seed=seed,
            progress=drawing,
        )
    say_left_out(features.unreadable.values())
    write(as_table(features, found))
    labels = features.table["label"].to_numpy()
    behind, on_map = merit(features.values, labels), merit(found.points, labels, features.values)
    out.print(f"{len(features.table)} X-rays in '{target}'.", markup=False)
    out.print(
        f"10-nearest-neighbour purity {format_rate(behind.purity)} in the features, "
        f"{format_rate(on_map.purity)} on the map; silhouette {format_rate(behind.silhouette)} and "
        f"{format_rate(on_map.silhouette)}; trustworthiness {format_rate(on_map.trustworthiness)}."
    )


def _embed_batch(
    checkpoint: "Checkpoint",
    folder: Path,
    layer: str,
    chosen: "list[str] | tuple[str, list[dict[str, Any]]]",
    options: BatchOptions,
) -> bool:
    """Write features to a folder. Raises UnknownName for another layer."""
    from pneumo_core.batch import Work
    from pneumo_core.embeddings import PENULTIMATE, PIXELS, feature_layers
    from pneumo_core.errors import UnknownName

    if layer not in (PENULTIMATE, PIXELS):  # the others need torch to be listed
        layers = feature_layers(checkpoint)
        if layer not in layers:
            raise UnknownName("layer", layer, layers)
    work = Work("embed", checkpoint.name, checkpoint.card.version, layer=layer)
    if isinstance(chosen, list):
        return run_batch(folder, work, chosen, options)
    name, items = chosen
    return run_batch(folder, work, [name], options, items=items)


def _batch_items(
    checkpoint: "Checkpoint", given: Path | None, split: str, validation: str | None
) -> "tuple[str, list[dict[str, Any]]]":
    """Return a name for a dataset's split, and its X-rays as a batch's items."""
    from pneumo_core.errors import DatasetError

    dataset = open_dataset(checkpoint, dataset_folder(given), validation).split(split)
    if dataset.films["path"].duplicated().any():
        raise DatasetError(
            f"The X-rays of {dataset.name} are in one file, and a batch needs a file for each. "
            "Name a file for the map: --out map.parquet."
        )
    films = dataset.films.rename(columns={"path": "file"})
    columns = ["file", "id", "patient", "split", "label"]
    items = [dict(zip(columns, row, strict=True)) for row in films[columns].to_numpy().tolist()]
    return f"dataset {dataset.fingerprint}, {split}", items


def _writer(target: Path) -> "Callable[[DataFrame], None]":
    """Return a function that writes the table. Raises PneumoError for another file type."""
    from pneumo_core.core.files import write_whole

    kinds: dict[str, Callable[[DataFrame], bytes]] = {
        ".parquet": lambda table: bytes(table.to_parquet(index=False)),
        ".csv": lambda table: table.to_csv(index=False).encode(),
    }
    make = kinds.get(target.suffix.lower())
    if make is None:
        raise PneumoError(f"'{target}' is neither .parquet nor .csv. Name one of these.")
    remedy = "Choose another place."
    return lambda table: write_whole(target, make(table), remedy=remedy)
