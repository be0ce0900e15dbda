"""The Typer applications, and options and output that commands share."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from pneumo_core.cli._terminal import err
from pneumo_core.errors import AuditError, UnknownName

if TYPE_CHECKING:
    from pneumo_core.audit import Deed, Entry
    from pneumo_core.checkpoints import Checkpoint
    from pneumo_core.datasets import Dataset, Validation

__all__ = [
    "DataOption",
    "JsonOption",
    "ModelOption",
    "PointOption",
    "ShippedOption",
    "SplitOption",
    "ValidationOption",
    "app",
    "data",
    "dataset_folder",
    "dataset_given",
    "log_action",
    "log_entries",
    "models",
    "open_dataset",
    "print_card",
    "print_json",
    "runs",
    "say_left_out",
    "say_remarks",
    "validation_choice",
    "without_nan",
]

app = typer.Typer(
    help="Detects pneumonia in chest X-rays and shows why. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
models = typer.Typer(help="Manage trained models.", no_args_is_help=True)
data = typer.Typer(help="Download, add, inspect and audit datasets.", no_args_is_help=True)
runs = typer.Typer(help="Manage training runs.", no_args_is_help=True)
app.add_typer(models, name="models")
app.add_typer(runs, name="runs")
app.add_typer(data, name="data")

ModelOption = Annotated[str | None, typer.Option("--model", help="Model; default: the first.")]
SplitOption = Annotated[str, typer.Option("--split", help="train, val, test or all.")]
PointOption = Annotated[str | None, typer.Option("--operating-point", help="balanced, screening.")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Folder, manifest, .npz or name; default: PNEUMO_DATA."),
]
ShippedOption = Annotated[
    bool,
    typer.Option(
        "--shipped", help="Use what is stored with the model, even if PNEUMO_DATA is set."
    ),
]
ValidationOption = Annotated[
    str | None,
    typer.Option(
        "--validation",
        help="keep: the dataset's own validation split, if it has both labels; late, early or "
        "random: cut one from train.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def dataset_folder(given: Path | None) -> Path:
    """Return the dataset's path. Raises UnknownName, or BadParameter if none is given."""
    folder = dataset_given(given)
    if folder is None:
        raise typer.BadParameter("give a dataset: --data FOLDER, or set PNEUMO_DATA")
    return folder


def dataset_given(given: Path | None) -> Path | None:
    """Return the path of the given dataset, else of PNEUMO_DATA, else None."""
    from pneumo_core.datasets.load import find_dataset_path

    return find_dataset_path(given)


def say_left_out(sentences: Iterable[str]) -> None:
    """Print on standard error what is left out."""
    for sentence in sentences:
        err.print(f"Left out: {sentence}", markup=False)


def say_remarks(remarks: Mapping[str, str]) -> None:
    """Print on standard error which X-rays a model may not have seen as it should."""
    from pneumo_core.lungs import framing_sentences

    for sentence in framing_sentences(remarks):
        err.print(sentence, markup=False)


def _say_left_aside(dataset: "Dataset") -> None:
    """Print on standard error which other files a dataset has."""
    for each in dataset.left_aside:
        err.print(each.sentence, markup=False)


def validation_choice(given: str | None) -> "Validation | None":
    """Return the choice of validation split. Raises UnknownName."""
    from pneumo_core.datasets import VALIDATIONS

    if given is not None and given not in VALIDATIONS:
        raise UnknownName("validation", given, VALIDATIONS)
    return cast("Validation | None", given)


def open_dataset(checkpoint: "Checkpoint", folder: Path, validation: str | None) -> "Dataset":
    """Return the dataset as a checkpoint splits it; report other files."""
    from pneumo_core.inference import dataset_for

    dataset = dataset_for(checkpoint, folder, validation=validation_choice(validation))
    _say_left_aside(dataset)
    return dataset


def print_card(name: str) -> None:
    from pneumo_core.checkpoints import load_checkpoint

    print(load_checkpoint(name).card_json(indent=2))


def print_json(facts: dict[str, Any]) -> None:
    """Print an object as a line of JSON; times and paths as text."""
    print(json.dumps(without_nan(facts), default=str))


def log_action(deed: "Deed", **facts: Any) -> None:
    """Log an action; if that fails, warn and continue."""
    from pneumo_core.audit import Entry, operator

    log_entries([Entry(who=operator(), deed=deed, **facts)])


def log_entries(entries: "Sequence[Entry]") -> bool:
    """Add entries to the log; warn and return False if that fails."""
    from pneumo_core.audit import open_log

    try:
        open_log().record(entries)
    except AuditError as refused:
        err.print(f"This was not logged. {refused}", style="yellow", markup=False)
        return False
    return True


def without_nan(figures: dict[str, Any]) -> dict[str, Any]:
    """Replace NaN, which JSON does not have, by None."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in figures.items()
    }
