"""``pneumo data``: datasets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pneumo_core.cli._shared import data, dataset_folder
from pneumo_core.terminal import out, progress_bar

if TYPE_CHECKING:
    from pneumo_core.data import Dataset


@data.command("inspect")
def inspect_data(folder: Annotated[Path | None, typer.Argument()] = None) -> None:
    """Count a dataset's films, and say what is wrong with it."""
    from pneumo_core.data import open_store, scan
    from pneumo_core.models import MODELS

    dataset = scan(dataset_folder(folder))
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
