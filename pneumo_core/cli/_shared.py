"""The applications that commands belong to, and the options and answers they share."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pneumo_core.errors import AuditError
from pneumo_core.settings import settings
from pneumo_core.terminal import err

if TYPE_CHECKING:
    from pneumo_core.audit import Deed, Entry

__all__ = [
    "DataOption",
    "JsonOption",
    "ModelOption",
    "PointOption",
    "app",
    "data",
    "dataset_folder",
    "models",
    "noted",
    "print_card",
    "print_json",
    "runs",
    "told",
    "without_nan",
]

app = typer.Typer(
    help="Detects pneumonia in chest X-rays and shows why. Research use only.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
models = typer.Typer(help="The checkpoints that are here.", no_args_is_help=True)
data = typer.Typer(help="Datasets.", no_args_is_help=True)
runs = typer.Typer(help="Trainings that are under way, or were.", no_args_is_help=True)
app.add_typer(models, name="models")
app.add_typer(runs, name="runs")
app.add_typer(data, name="data")

ModelOption = Annotated[str | None, typer.Option("--model", help="Checkpoint; default: the first.")]
PointOption = Annotated[str | None, typer.Option("--operating-point", help="balanced, screening.")]
DataOption = Annotated[
    Path | None,
    typer.Option("--data", help="Folder, manifest, .npz or added name; default: PNEUMO_DATA."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def dataset_folder(given: Path | None) -> Path:
    """Where the films are: a path, else the name of a dataset that was added, else PNEUMO_DATA."""
    if given and not given.exists() and (settings().home / "datasets" / given).is_dir():
        from pneumo_core.intake import find_dataset

        return find_dataset(str(given)).location
    folder = given or settings().data
    if folder is None:
        raise typer.BadParameter("say which films: --data FOLDER, or set PNEUMO_DATA")
    return folder


def print_card(name: str) -> None:
    from pneumo_core.checkpoints import load_checkpoint

    print(load_checkpoint(name).card_json(indent=2))


def print_json(facts: dict[str, Any]) -> None:
    """An object in a line; times and paths as text."""
    print(json.dumps(without_nan(facts), default=str))


def noted(deed: "Deed", **facts: Any) -> None:
    """Tell the log what was done here; where it can't be told, say so and go on."""
    from pneumo_core.audit import Entry, operator

    told([Entry(who=operator(), deed=deed, **facts)])


def told(entries: "Sequence[Entry]") -> bool:
    """Add entries to the log; False where it refuses, which is said."""
    from pneumo_core.audit import open_log

    try:
        open_log().record(entries)
    except AuditError as refused:
        err.print(f"This is not recorded. {refused}", style="yellow", markup=False)
        return False
    return True


def without_nan(figures: dict[str, Any]) -> dict[str, Any]:
    """JSON knows no NaN: a figure over no films is null."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in figures.items()
    }
