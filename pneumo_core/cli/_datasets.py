"""``pneumo data``: datasets."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pneumo_core.cli._shared import (
    JsonOption,
    ValidationOption,
    data,
    dataset_folder,
    validation_choice,
)
from pneumo_core.cli._terminal import out, print_table, progress_bar

if TYPE_CHECKING:
    from pneumo_core.datasets.quality import Inspection

_MAX_IMAGES = 6


@data.command("inspect")
def inspect_data(
    folder: Annotated[Path | None, typer.Argument()] = None,
    validation: ValidationOption = None,
    reread: Annotated[
        bool, typer.Option("--reread", help="Read files again that look unchanged.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Count a dataset's X-rays, and report problems, what they mean and what to do."""
    from pneumo_core.datasets import scan
    from pneumo_core.datasets.digests import forget_digests
    from pneumo_core.datasets.quality import inspect_dataset
    from pneumo_core.datasets.scan import layout_root

    location = dataset_folder(folder)
    if reread:
        forget_digests(layout_root(location) if location.is_dir() else location)
    with progress_bar("Listing X-rays") as listing:
        chosen = validation_choice(validation) or "keep"
        dataset = scan(location, validation=chosen, progress=listing)
    with progress_bar("Decoding X-rays") as decoding, progress_bar("Comparing X-rays") as comparing:
        found = inspect_dataset(dataset, decoding=decoding, comparing=comparing)
    if as_json:
        print(json.dumps(found.as_dict()))
    else:
        _print_overview(found)
        print_findings(found)
    raise typer.Exit(1 if found.unreadable else 0)


def _print_overview(found: "Inspection") -> None:
    from pneumo_core.datasets.quality import split_table

    splits = split_table(found.dataset)
    table = Table(*splits.rename(columns={"films": "X-rays"}).columns, title=found.dataset.name)
    for _, row in splits.iterrows():
        cells = [f"{each:.2f}" if isinstance(each, float) else str(each) for each in row]
        table.add_row(*cells)
    print_table(table)
    for sentence in (found.balance.words, found.sizes.words):
        out.print(sentence, markup=False)
    out.print(f"Fingerprint {found.dataset.fingerprint}")


def print_findings(found: "Inspection") -> None:
    """Print the findings: what is wrong, what it means and what to do."""
    for each in found.findings:
        out.print()
        out.print(f"{each.title} ({each.severity})", style="bold", markup=False)
        for sentence in (each.what, each.means, f"To do: {each.remedy}"):
            out.print(f"  {sentence}", markup=False)
        if each.remarks:
            for remark in each.remarks.values():
                out.print(f"  - Unreadable: {remark}", markup=False)
            continue
        for group in each.groups[:_MAX_IMAGES]:
            shown = ", ".join(group[:_MAX_IMAGES]) + (" …" if len(group) > _MAX_IMAGES else "")
            out.print(f"  - {shown}", markup=False)
        if len(each.groups) > _MAX_IMAGES:
            out.print(f"  - and {len(each.groups) - _MAX_IMAGES} more; --json lists all")
