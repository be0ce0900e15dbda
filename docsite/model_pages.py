"""A page for each model that ships, from its card, and a table of all."""

from dataclasses import replace
from pathlib import Path

from pneumo_core.checkpoints import Checkpoint, list_checkpoints
from pneumo_core.metrics import format_rate
from pneumo_core.reports.model_facts import facts_markdown, model_facts

__all__ = ["pages"]

_INDEX = """\
# Model cards

Pneumo ships these models; the first is the default. Each page is made from the model's `card.json`
when this site is built, and so are the figures below. How they were measured, and every scoring of
the test X-rays: [Results](../results.md). Research use only; not a medical device.

| model | architecture | sees | test X-rays | AUC | sensitivity | specificity | calibration error |
|---|---|---|---|---|---|---|---|
"""
_AFTER = """
Sensitivity and specificity are those at the default operating point, with 95 % intervals in the
models' own pages. `pneumo models list` prints this table for the models on your machine, and
`pneumo models show NAME` a card in full.
"""


def pages(folder: Path) -> dict[str, str]:
    """Return the pages of the checkpoints in a folder: path in the site to Markdown."""
    found, _ = list_checkpoints(folder)
    made = {f"models/{each.name}.md": _page(each) for each in found}
    rows = "".join(_row(each) for each in found)
    return {"models/index.md": _INDEX + rows + _AFTER, **made}


def _row(checkpoint: Checkpoint) -> str:
    card = checkpoint.card
    test = card.evaluation["test"]
    sees = "the box around the lungs" if card.input.framing else "the whole X-ray"
    figures = (test.auc, test.sensitivity, test.specificity, test.ece)
    cells = [f"[{checkpoint.name}]({checkpoint.name}.md)", card.architecture, sees, str(test.n)]
    return f"| {' | '.join([*cells, *(format_rate(each.value) for each in figures)])} |\n"


def _page(checkpoint: Checkpoint) -> str:
    """Return the label of a model, then its training."""
    card = checkpoint.card
    facts = replace(model_facts(checkpoint), title=f"Model card: {checkpoint.name}")
    lines = [facts_markdown(facts), "## Training", ""]
    lines += ["| setting | value |", "|---|---|"]
    lines += [f"| `{name}` | {_value(value)} |" for name, value in card.training.items()]
    lines += ["", f"Best epoch: {card.best_epoch}. {' '.join(card.dataset.notes)}", ""]
    if card.members:
        members = (f"{m.name} ({m.model}, {m.input.size} pixels)" for m in card.members)
        lines += ["## Members", "", f"The mean of {', '.join(members)}.", ""]
    lines += ["## Software", "", "| package | version |", "|---|---|"]
    return "\n".join([*lines, *(f"| {name} | {v} |" for name, v in card.versions.items()), ""])


def _value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return " to ".join(str(each) for each in value)
    return str(value)
