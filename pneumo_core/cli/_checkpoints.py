"""``pneumo models``: manage trained models."""

from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from pneumo_core.cli._shared import DataOption, JsonOption, dataset_folder, models, print_card
from pneumo_core.cli._terminal import err, out, print_table, progress_bar
from pneumo_core.core.extras import require
from pneumo_core.core.settings import settings


@models.command("list")
def list_models(as_json: JsonOption = False) -> None:
    """List the models, the default first."""
    from pneumo_core.checkpoints import list_checkpoints
    from pneumo_core.metrics import format_rate

    found, problems = list_checkpoints()
    for problem in problems:
        err.print(problem, style="red", markup=False)
    if as_json:
        for each in found:
            print(each.card_json(indent=None))
        return
    if not found:
        err.print(f"No models in '{settings().checkpoints}'. Train one: pneumo train --help")
        return
    columns = ("model", "architecture", "version", "X-rays", "AUC", "sensitivity", "specificity")
    table = Table(*columns, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in table.columns:
        column.no_wrap = column.header != "architecture"
    for each in found:
        split = "test" if "test" in each.card.evaluation else "val"
        figures = each.card.evaluation[split]
        numbers = (figures.auc, figures.sensitivity, figures.specificity)
        facts = (each.name, each.card.model, each.card.version, f"{figures.n} {split}")
        table.add_row(*facts, *(format_rate(number.value) for number in numbers))
    print_table(table)


@models.command("show")
def show_model(name: str) -> None:
    """Print a model's card as JSON."""
    print_card(name)


@models.command("facts")
def show_facts(
    name: str,
    pdf: Annotated[Path | None, typer.Option(help="Write a PDF to this file instead.")] = None,
) -> None:
    """Print a model's facts label: what it is for, how well it works, and its limits."""
    from pneumo_core.checkpoints import load_checkpoint
    from pneumo_core.core.files import write_whole
    from pneumo_core.reports.model_facts import facts_markdown, facts_pdf, model_facts

    facts = model_facts(load_checkpoint(name))
    if pdf is None:
        print(facts_markdown(facts))
        return
    require("reports", "reportlab")
    write_whole(pdf, facts_pdf(facts), remedy="Free some space or name another file.")
    out.print(f"Wrote {pdf}.", markup=False)


@models.command("gate")
def fit_models_gate(name: str, data_folder: DataOption = None) -> None:
    """Refit a model's image check on its training X-rays."""
    from pneumo_core.checkpoints import load_checkpoint
    from pneumo_core.gate import fit_gate

    folder = dataset_folder(data_folder)
    with progress_bar("Decoding X-rays") as decoding, progress_bar("Computing features") as looking:
        fitted = fit_gate(load_checkpoint(name), folder, decoding=decoding, looking=looking)
    out.print(f"Refitted the image check of '{fitted.name}'.", markup=False)
