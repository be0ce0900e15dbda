"""``pneumo data download``, ``add``, ``list``, ``remove``: get and remove datasets."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from pneumo_core.cli._datasets import print_findings
from pneumo_core.cli._shared import data, log_action
from pneumo_core.cli._terminal import bytes_bar, err, out, print_table, progress_bar
from pneumo_core.core.settings import settings

if TYPE_CHECKING:
    from pneumo_core.core.progress import Progress
    from pneumo_core.datasets.download import KeptDataset

FolderOption = Annotated[
    Path | None,
    typer.Option("--folder", help="Parent folder; default: PNEUMO_HOME/datasets."),
]


@data.command("download")
def download_data(
    source: Annotated[str | None, typer.Argument(help="A name from the list.")] = None,
    folder: FolderOption = None,
    name: Annotated[str | None, typer.Option(help="Its name; default: SOURCE.")] = None,
) -> None:
    """Download, verify and unpack a public dataset. Without SOURCE: list the available ones.

    An interrupted download resumes when it is started again.
    """
    from pneumo_core.datasets.download import fetch, find_source

    if source is None:
        _print_sources()
        return
    wanted = find_source(source)
    err.print(
        f"{wanted.title}: {wanted.size / 1e6:,.0f} MB, {wanted.licence}. "
        f"{wanted.algorithm.upper()} {wanted.checksum} ({wanted.vouched}).",
        markup=False,
    )
    with ExitStack() as bars:
        kept = fetch(wanted, name or source, home=folder, stages=_Stages(bars))
    _print_kept(kept)


@data.command("add")
def add_data(
    file: Annotated[Path, typer.Argument(help="A ZIP, a CSV manifest or a MedMNIST .npz.")],
    name: Annotated[str, typer.Option("--name", help="Its name.")],
    folder: FolderOption = None,
) -> None:
    """Check a dataset and install a copy of it under a name.

    A ZIP has labelled folders, or X-rays and a manifest.csv. A CSV manifest has the columns path
    and label, and may have split, patient, subtype and id; its paths are relative to it. To use a
    folder or a manifest without a copy, give its path to --data instead.
    """
    from pneumo_core.datasets.download import stage
    from pneumo_core.datasets.quality import inspect_dataset

    with ExitStack() as bars:
        stages = _Stages(bars)
        staged = stage(file, name, home=folder, stages=stages)
        try:
            found = inspect_dataset(
                staged.dataset,
                decoding=stages("Decoding X-rays"),
                comparing=stages("Comparing X-rays"),
                home=staged.scratch,
            )
        except BaseException:  # including Ctrl-C
            staged.discard()
            raise
    print_findings(found)
    _print_kept(staged.keep())


@data.command("list")
def list_data() -> None:
    """List the installed datasets and the one of PNEUMO_DATA."""
    from pneumo_core.datasets.download import list_datasets

    found = list_datasets()
    table = Table("name", "X-rays", "added", "from", "folder", box=None)
    for each in found:
        about = each.about
        facts = (f"{about.films:,}", about.added, about.origin) if about else ("", "", "")
        table.add_row(each.name, *facts, str(each.location))
    if found:
        print_table(table)
    else:
        out.print("None yet. 'pneumo data download' lists the public ones.")
    if place := settings().data:
        out.print(f"PNEUMO_DATA: {place}", markup=False)


@data.command("remove")
def remove_data(
    name: str,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
) -> None:
    """Delete an installed dataset with all its X-rays."""
    from pneumo_core.datasets.download import delete_dataset, find_dataset

    folder = find_dataset(name).folder
    if not yes:
        typer.confirm(f"Delete '{name}' and all X-rays in {folder}?", abort=True)
    delete_dataset(name)
    log_action("deleted", subject=f"dataset {name}")
    out.print(f"Deleted '{name}'.", markup=False)


class _Stages:
    """A progress bar for each stage; downloads count bytes."""

    def __init__(self, bars: ExitStack) -> None:
        self.bars = bars

    def __call__(self, title: str) -> "Progress":
        counts_bytes = title.startswith(("Downloading", "Unpacking"))
        return self.bars.enter_context((bytes_bar if counts_bytes else progress_bar)(title))


def _print_sources() -> None:
    from pneumo_core.datasets.download import SOURCES

    table = Table("source", "what", "X-rays", "MB", "licence", box=None)
    for each in SOURCES.values():
        size = f"{each.size / 1e6:,.0f}"
        table.add_row(each.name, each.title, f"{each.films:,}", size, each.licence)
    print_table(table)
    out.print("Download one: pneumo data download SOURCE")


def _print_kept(kept: "KeptDataset") -> None:
    log_action("added", subject=f"dataset {kept.name}")
    films = f"{kept.about.films:,} X-rays" if kept.about else "X-rays"
    out.print(f"{kept.name}: {films} in {kept.location}", markup=False)
