"""``pneumo data audit`` and what ``pneumo evaluate --shortcuts`` prints."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pneumo_core.cli._shared import JsonOption, data, dataset_folder
from pneumo_core.cli._terminal import err, out, print_table, progress_bar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pneumo_core.datasets import Dataset
    from pneumo_core.evaluation.shortcuts import Audit, ByQuartile, FurtherProperties, Measured

__all__ = ["PropertiesOption", "measure_dataset", "print_quartiles", "read_further", "records"]

_MOST_TABLES = 6


PropertiesOption = Annotated[
    Path | None,
    typer.Option(
        "--properties",
        metavar="FILE.csv",
        help="Further properties: a row for each X-ray, found by the column id, path, file or name "
        "(its path in the dataset, or its file's name), and columns of numbers. Columns width and "
        "height replace those of the files.",
    ),
]


@data.command("audit")
def audit_data(
    folder: Annotated[Path | None, typer.Argument(metavar="[NAME]")] = None,
    as_json: JsonOption = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, every figure.")] = False,
    input_sizes: Annotated[
        list[int] | None,
        typer.Option(
            "--input-size",
            min=32,
            max=1024,
            help="Also audit the finest detail of a network's input of this many pixels, framed by "
            "the lungs; may be given several times.",
        ),
    ] = None,
    properties: PropertiesOption = None,
) -> None:
    """Measure how well properties other than disease predict the label."""
    from pneumo_core.datasets import scan
    from pneumo_core.evaluation.shortcuts import audit, audit_input_detail

    location = dataset_folder(folder)
    with progress_bar("Listing X-rays") as listing:
        dataset = scan(location, progress=listing)
    measured = measure_dataset(dataset, read_further(properties, dataset))
    found = audit(dataset, measured)
    if input_sizes:
        with progress_bar("Framing X-rays") as framing:
            found = found.joined_by(audit_input_detail(dataset, input_sizes, progress=framing))
    if as_json:
        print(json.dumps(found.as_dict()))
    elif csv:
        found.table().to_csv(sys.stdout, index=False)
    else:
        _print_audit(found)
    raise typer.Exit(1 if measured.unreadable else 0)


def read_further(file: Path | None, dataset: "Dataset") -> "FurtherProperties | None":
    """Read the file of ``--properties``, before anything is measured; None without one."""
    from pneumo_core.evaluation.shortcuts import read_properties

    return None if file is None else read_properties(file, dataset.films["id"])


def measure_dataset(dataset: "Dataset", further: "FurtherProperties | None") -> "Measured":
    """Measure a dataset's properties with a progress bar; report unreadable files."""
    from pneumo_core.evaluation.shortcuts import installed_finder, measure_dataset, with_properties

    with progress_bar("Measuring X-rays") as progress:
        found = measure_dataset(dataset, finder=installed_finder(), progress=progress)
    for sentence in found.unreadable.values():
        err.print(f"Left out: {sentence}", markup=False)
    return with_properties(found, further) if further is not None else found


def print_quartiles(found: "Sequence[ByQuartile]") -> None:
    """Print false alarms and misses by quartile of each property, the clearest trend first."""
    from pneumo_core.evaluation.shortcuts import quartile_sentence

    out.print()
    if not found:
        out.print("Shortcuts: too few X-rays of each label for quartiles.")
        return
    out.print("Shortcuts: errors by quartile of each property, the clearest first", style="bold")
    for each in found[:_MOST_TABLES]:
        out.print(quartile_sentence(each), markup=False)
        table = Table("from", "to", "X-rays", "errors", "rate (95 %)", box=SIMPLE_HEAD)
        for part in each.quarters:
            low, high = each.prop.text(part.low), each.prop.text(part.high)
            table.add_row(low, high, str(part.n), str(part.errors), str(part.rate))
        print_table(table)
    if len(found) > _MOST_TABLES:
        out.print(f"{len(found) - _MOST_TABLES} more; --json lists all.")


def records(found: "Sequence[ByQuartile]") -> list[dict[str, Any]]:
    """Return the quartiles as JSON objects."""
    from pneumo_core.evaluation.shortcuts import quartile_table

    return [{str(k): v for k, v in row.items()} for row in quartile_table(found).to_dict("records")]


def _print_audit(found: "Audit") -> None:
    from pneumo_core.evaluation.shortcuts import LIMITS

    for sentence in found.summary():
        out.print(sentence, markup=False)
    table = Table("property", "split", "AUC (95 %)", "higher in", "NORMAL", "PNEUMONIA", "level")
    table.box = SIMPLE_HEAD
    table.columns[2].no_wrap = True
    for each in found.separations:
        normal, ill = (each.prop.text(median) for median in each.medians)
        higher = ("NORMAL", "PNEUMONIA")[each.higher]
        title = each.prop.title
        table.add_row(title, each.split, str(each.auc), higher, normal, ill, each.level)
    print_table(table)
    _print_advice(found)
    out.print()
    out.print(LIMITS, markup=False)


def _print_advice(found: "Audit") -> None:
    """Print how properties differ between splits, unless the summary did, and what to do."""
    from pneumo_core.evaluation.shortcuts import advice, shift_sentence

    said = set(found.summary())
    shifted = [(each.prop.key, shift_sentence(each)) for each in found.clear_shifts]
    for prop in found.telling:
        out.print(prop.title, style="bold", markup=False)
        shifts = [told for key, told in shifted if key == prop.key and told not in said]
        for sentence in (*shifts, *advice(prop)):
            out.print(f"  {sentence}", markup=False)
