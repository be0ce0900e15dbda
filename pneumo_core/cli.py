"""The command line. Each command is a thin wrapper around the call that a page makes too.

Results go to standard output, progress and complaints to standard error. Exit codes: 0 all done,
1 something was refused or failed (the rest is done), 2 wrong usage. Torch and its like are
imported by the command that needs them, so that ``--help`` answers at once.
"""

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pneumo_core.errors import PneumoError, UnknownName, UnreadableFilm
from pneumo_core.settings import repository_root, settings
from pneumo_core.terminal import err, out, progress_bar, training_bars

if TYPE_CHECKING:
    from pneumo_core.data import Dataset
    from pneumo_core.metrics import Estimate
    from pneumo_core.reading import Reader, Reading

__all__ = ["app", "main"]

app = typer.Typer(
    help="Detects pneumonia in chest X-rays and shows why. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
models = typer.Typer(help="The checkpoints that are here.", no_args_is_help=True)
data = typer.Typer(help="Datasets.", no_args_is_help=True)
app.add_typer(models, name="models")
app.add_typer(data, name="data")

ModelOption = Annotated[str | None, typer.Option("--model", help="Checkpoint; default: the first.")]
PointOption = Annotated[str | None, typer.Option("--operating-point", help="balanced, screening.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder or .npz file; default: PNEUMO_DATA.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def main() -> None:
    """Run the command line; whatever Pneumo refuses is a sentence and an exit code."""
    try:
        app()
    except PneumoError as error:
        err.print(str(error), style="red", markup=False)
        sys.exit(2 if isinstance(error, UnknownName) else 1)
    except KeyboardInterrupt:
        err.print("Stopped.")
        sys.exit(130)


@app.command("app")
def run_app(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    address: Annotated[str, typer.Option(help="Whom to listen to.")] = "127.0.0.1",
) -> None:
    """Start the dashboard."""
    root = repository_root()
    if root is None:
        raise PneumoError(
            "The pages are not installed with the library. Clone the project and run this there."
        )
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py"]
    options = [f"--server.port={port}", f"--server.address={address}"]
    raise typer.Exit(subprocess.run([*command, *options], cwd=root, check=False).returncode)


@app.command()
def predict(
    files: Annotated[list[Path], typer.Argument(help="Films, or folders of films.")],
    model: ModelOption = None,
    operating_point: PointOption = None,
    as_json: JsonOption = False,
    heatmaps: Annotated[
        Path | None, typer.Option(help="Folder for a PNG per film: where the network looked.")
    ] = None,
    gate: Annotated[
        bool, typer.Option("--gate/--no-gate", help="Refuse what is not a frontal chest film.")
    ] = True,
) -> None:
    """Read films: one line each, whatever they hold."""
    from pneumo_core.reading import open_reader

    paths = list(_expanded(files))
    reader = open_reader(model, operating_point, gate=gate)
    if heatmaps:
        _make_folder(heatmaps)
    all_read = True
    for number, path in enumerate(paths):
        reading = _read_one(reader, path, heatmaps / f"{number:04d}" if heatmaps else None)
        all_read &= reading.status == "read"
        print(_json_line(path, reading) if as_json else _text_line(path, reading), flush=True)
    raise typer.Exit(0 if all_read else 1)


@app.command()
def train(
    name: Annotated[str, typer.Option(help="What to call the checkpoint.")] = "",
    data_folder: DataOption = None,
    model: Annotated[str, typer.Option(help="Architecture to train.")] = "cnn_94",
    recipe_name: Annotated[str, typer.Option("--recipe", help="strong or paper.")] = "strong",
    pretrained: Annotated[
        str | None, typer.Option(help="auto, hub, package, none, or a file of weights.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Side of a backbone's films, pixels.")] = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    batch_size: Annotated[int | None, typer.Option(min=2)] = None,
    learning_rate: Annotated[float | None, typer.Option()] = None,
    balance: Annotated[str | None, typer.Option(help="weights, repeat_normals, none.")] = None,
    mirror: Annotated[
        bool | None, typer.Option(help="Read each film and its mirror image, and average.")
    ] = None,
    patience: Annotated[int | None, typer.Option(min=0, help="0: never stop early.")] = None,
    precision: Annotated[str | None, typer.Option(help="auto, 32-true, bf16-mixed.")] = None,
    cut: Annotated[str | None, typer.Option(help="Validation: late, early or random.")] = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    devices: Annotated[int | None, typer.Option(min=1)] = None,
    attribution: Annotated[str, typer.Option(help="Where the films come from.")] = "",
    trained_on: Annotated[str, typer.Option(help="Whose films: 'children of 1 to 5'.")] = "",
    overwrite: Annotated[bool, typer.Option(help="Replace a checkpoint of that name.")] = False,
    resume: Annotated[str | None, typer.Option(help="Go on with this run instead.")] = None,
) -> None:
    """Train a network and publish it as a checkpoint."""
    from pneumo_core.training import find_run, go_on, recipe, start_run

    if resume:
        run = find_run(resume)
    elif name:
        config = recipe(
            recipe_name,
            model,
            pretrained=pretrained,
            size=size,
            mirror=mirror,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            balance=balance,
            patience=patience,
            precision=precision,
            validation_cut=cut,
            seed=seed,
            devices=devices,
        )
        run = start_run(
            _dataset_folder(data_folder),
            name,
            config,
            attribution=attribution,
            trained_on=trained_on,
            overwrite=overwrite,
        )
    else:
        raise typer.BadParameter("give the new checkpoint a --name, or --resume a run")
    err.print(f"Run {run.id}: {run.config.model}, up to {run.config.epochs} epochs.")
    try:
        with progress_bar("Decoding films") as decoding, training_bars(run.config.epochs) as bars:
            checkpoint = go_on(run, listener=bars, decoding=decoding)
    except KeyboardInterrupt:
        err.print(f"Stopped. Go on with: pneumo train --resume {run.id}")
        raise typer.Exit(130) from None
    _print_card(checkpoint.name)


@app.command()
def ensemble(
    name: Annotated[str, typer.Argument(help="What to call the ensemble.")],
    members: Annotated[list[str], typer.Argument(help="Two or more checkpoints.")],
    data_folder: DataOption = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a checkpoint of that name.")] = False,
) -> None:
    """Make one checkpoint of several: the mean of their probabilities, calibrated as one."""
    from pneumo_core.training import make_ensemble

    folder = _dataset_folder(data_folder)
    with progress_bar("Decoding films") as decoding:
        made = make_ensemble(folder, name, members, overwrite=overwrite, decoding=decoding)
    _print_card(made.name)


@app.command()
def evaluate(
    data_folder: DataOption = None,
    split: Annotated[str, typer.Option(help="train, val, test or all.")] = "test",
    model: ModelOption = None,
    operating_point: PointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score a split of a dataset."""
    from pneumo_core.analysis import dataset_for, evaluate_dataset
    from pneumo_core.checkpoints import load_checkpoint

    checkpoint = load_checkpoint(model or None)
    dataset = dataset_for(checkpoint, _dataset_folder(data_folder))
    with progress_bar("Decoding films") as decoding, progress_bar("Scoring films") as scoring:
        result = evaluate_dataset(
            checkpoint,
            dataset,
            split,
            operating_point=operating_point,
            decoding=decoding,
            scoring=scoring,
        )
    for sentence in result.unreadable.values():
        err.print(f"Left out: {sentence}", markup=False)
    if as_json:
        print(json.dumps(_without_nan(result.as_dict())))
        return
    table = Table("figure", "value", "95 % interval", title=f"{result.model} on {split}")
    for figure in ("auc", "accuracy", "sensitivity", "specificity", "f1", "ece"):
        estimate: Estimate = getattr(result.figures, figure)
        table.add_row(figure, f"{estimate.value:.3f}", f"{estimate.low:.3f} to {estimate.high:.3f}")
    out.print(table)
    (tn, fp), (fn, tp) = result.figures.confusion.as_rows()
    out.print(
        f"{result.figures.n} films, threshold {result.figures.threshold:.3f} "
        f"({result.operating_point.name}): {tp} pneumonia found, {fn} missed, "
        f"{tn} normal passed, {fp} called ill."
    )


@app.command()
def robustness(
    data_folder: DataOption = None,
    split: Annotated[str, typer.Option(help="train, val, test or all.")] = "test",
    model: ModelOption = None,
    operating_point: PointOption = None,
) -> None:
    """Score a split again with its films cropped, rotated, compressed, brighter, darker, larger."""
    from pneumo_core.analysis import dataset_for
    from pneumo_core.analysis import robustness as measure
    from pneumo_core.checkpoints import load_checkpoint

    checkpoint = load_checkpoint(model or None)
    films = dataset_for(checkpoint, _dataset_folder(data_folder)).split(split)
    with progress_bar("Scoring films") as progress:
        rows = measure(checkpoint, films, operating_point=operating_point, progress=progress)
    table = Table("films", "AUC", "accuracy", "sensitivity", "specificity", box=SIMPLE_HEAD)
    for row in rows:
        counts = row.confusion
        figures = (row.auc, counts.accuracy, counts.sensitivity, counts.specificity)
        table.add_row(row.change, *(f"{figure:.3f}" for figure in figures))
    out.print(table)


@models.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """Every checkpoint, the default first."""
    from pneumo_core.checkpoints import list_checkpoints

    found, problems = list_checkpoints()
    for problem in problems:
        err.print(problem, style="red", markup=False)
    if as_json:
        for each in found:
            print(each.card_json(indent=None))
        return
    if not found:
        err.print(f"There is none in '{settings().checkpoints}'. Train one: pneumo train --help")
        return
    columns = ("checkpoint", "model", "version", "films", "AUC", "sensitivity", "specificity")
    table = Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for each in found:
        split = "test" if "test" in each.card.evaluation else "val"
        figures = each.card.evaluation[split]
        numbers = (figures.auc, figures.sensitivity, figures.specificity)
        facts = (each.name, each.card.model, each.card.version, f"{figures.n} {split}")
        table.add_row(*facts, *(f"{number.value:.3f}" for number in numbers))
    out.print(table)


@models.command("show")
def show_model(name: str) -> None:
    """A checkpoint's card, whole, as JSON."""
    _print_card(name)


@models.command("gate")
def fit_models_gate(name: str, data_folder: DataOption = None) -> None:
    """Fit a checkpoint's gate anew, on the films it was trained on."""
    from pneumo_core.checkpoints import load_checkpoint
    from pneumo_core.familiarity import fit_gate

    folder = _dataset_folder(data_folder)
    with progress_bar("Decoding films") as decoding, progress_bar("Looking at films") as looking:
        fitted = fit_gate(load_checkpoint(name), folder, decoding=decoding, looking=looking)
    out.print(f"The gate of '{fitted.name}' is fitted.", markup=False)


@data.command("inspect")
def inspect_data(folder: Annotated[Path | None, typer.Argument()] = None) -> None:
    """Count a dataset's films, and say what is wrong with it."""
    from pneumo_core.data import open_store, scan
    from pneumo_core.models import MODELS

    dataset = scan(_dataset_folder(folder))
    _print_counts(dataset)
    for note in (*dataset.notes, *dataset.findings()):
        out.print(f"- {note}", markup=False)
    with progress_bar("Decoding films") as decoding:
        store = open_store(dataset, MODELS["cnn_94"].input.size, progress=decoding)
    for sentence in store.unreadable.values():
        out.print(f"- Unreadable: {sentence}", markup=False)
    raise typer.Exit(1 if store.unreadable else 0)


def _print_counts(dataset: "Dataset") -> None:
    table = Table("split", "NORMAL", "PNEUMONIA", "patients", title=dataset.name)
    for split, row in dataset.counts().iterrows():
        patients = dataset.films.loc[dataset.films["split"] == split, "patient"].nunique()
        table.add_row(str(split), str(row["NORMAL"]), str(row["PNEUMONIA"]), str(patients))
    out.print(table)
    out.print(f"Fingerprint {dataset.fingerprint}")


def _print_card(name: str) -> None:
    from pneumo_core.checkpoints import load_checkpoint

    print(load_checkpoint(name).card_json(indent=2))


def _expanded(files: list[Path]) -> Iterator[Path]:
    """Files as they are, folders as the files in them."""
    for path in files:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(each for each in path.rglob("*") if each.is_file())
        if not inside:
            raise PneumoError(f"The folder '{path}' is empty. Give films, or a folder of films.")
        yield from inside


def _dataset_folder(given: Path | None) -> Path:
    folder = given or settings().data
    if folder is None:
        raise typer.BadParameter("say which films: --data FOLDER, or set PNEUMO_DATA")
    return folder


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PneumoError(f"'{folder}' can't be made: {error.strerror}. Choose another.") from error


def _read_one(reader: "Reader", path: Path, picture: Path | None) -> "Reading":
    """Read a file; where a picture is asked for, draw where the network looked."""
    from pneumo_core.data import read_radiograph

    try:
        radiograph = read_radiograph(path)
    except UnreadableFilm as error:
        return reader.failed(error)
    reading = reader.read(radiograph)
    if picture is not None and reading.label is not None:
        from PIL import Image

        from pneumo_core.pictures import overlay

        radiograph = reading.as_read(radiograph)
        heat = reader.heat_map(radiograph, reading.label).over(radiograph.pixels.shape)
        target = picture.with_name(f"{picture.name}_{path.stem}.png")
        try:
            Image.fromarray(overlay(radiograph.pixels, heat, 0.5)).save(target)
        except OSError as error:
            raise PneumoError(f"'{target}' can't be written: {error.strerror}.") from error
    return reading


def _json_line(path: Path, reading: "Reading") -> str:
    from pneumo_core.reports import as_row

    return json.dumps(as_row(reading) | {"file": str(path)})


def _text_line(path: Path, reading: "Reading") -> str:
    if reading.probability is None:
        return f"{path}: {reading.status}. {' '.join(reading.reasons)}"
    line = (
        f"{path}: {reading.verdict}. Probability {reading.probability:.3f}, "
        f"threshold {reading.threshold:.3f} ({reading.operating_point}, {reading.model})."
    )
    return " ".join((line, *reading.warnings))


def _without_nan(figures: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no NaN: a figure over no films is null."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in figures.items()
    }
