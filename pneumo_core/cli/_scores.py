"""``pneumo evaluate --scores``: metrics of scores in a file, a million of them or more."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from pneumo_core.cli._shared import print_json
from pneumo_core.cli._terminal import out, print_table

if TYPE_CHECKING:
    from pneumo_core.evaluation import Scores
    from pneumo_core.metrics import Evaluation

__all__ = ["evaluate_scores", "print_figures", "save_list"]


def evaluate_scores(
    file: Path,
    model: str | None,
    operating_point: str | None,
    threshold: float | None,
    *,
    as_json: bool,
    listed: Path | None = None,
) -> None:
    """Print the metrics of a scores file at a threshold; save its list in ``listed``."""
    from pneumo_core.errors import PneumoError
    from pneumo_core.evaluation import read_scores_file
    from pneumo_core.metrics import evaluate

    if threshold is not None and operating_point is not None:
        raise typer.BadParameter("give --threshold or --operating-point, not both")
    scores = read_scores_file(file)
    table = scores.labelled
    if table.empty:
        raise PneumoError(f"'{file.name}' has no labels. Add a column 'label' with 0 and 1.")
    point, at = _threshold(scores, model, operating_point, threshold)
    figures = evaluate(table["label"], table["probability"], at, groups=table["patient"])
    if listed is not None:
        save_list(scores, at, listed)
    if as_json:
        left_out = len(scores.table) - len(table)
        print_json(
            {"file": file, "operating_point": point, **figures.to_dict(), "no_label": left_out}
        )
        return
    print_figures(figures, scores.name, point)
    if len(table) < len(scores.table):
        out.print(f"{len(scores.table) - len(table):,} X-rays without a label left out.")


def print_figures(figures: "Evaluation", title: str, point: str) -> None:
    """Print each metric with its interval, and the four counts."""
    from pneumo_core.metrics import format_rate

    table = Table("figure", "value (95 % interval)", title=title)
    for figure in ("auc", "accuracy", "sensitivity", "specificity", "f1", "ece"):
        table.add_row(figure, str(getattr(figures, figure)))
    print_table(table)
    (tn, fp), (fn, tp) = figures.confusion.as_rows()
    out.print(
        f"{figures.n} X-rays, threshold {format_rate(figures.threshold)} "
        f"({point}): {tp} pneumonia found, {fn} missed, "
        f"{tn} normal passed, {fp} false alarm{'' if fp == 1 else 's'}."
    )


def save_list(scores: "Scores", threshold: float, file: Path) -> None:
    """Save a row for each labelled X-ray as CSV, the worst errors first.

    Raises PneumoError if it can't be written.
    """
    from pneumo_core.core.files import write_whole
    from pneumo_core.core.spreadsheets import spreadsheet_csv
    from pneumo_core.evaluation import Study, in_words, worst_first

    listed = in_words(worst_first(Study(scores).predictions(threshold)))
    write_whole(file, spreadsheet_csv(listed.drop(columns="series")), remedy="Name another file.")


def _threshold(
    scores: "Scores", model: str | None, operating_point: str | None, threshold: float | None
) -> tuple[str, float]:
    """Return a name and a threshold. Raises UnknownName, or PneumoError for an unknown model."""
    from pneumo_core.checkpoints import load_checkpoint
    from pneumo_core.errors import PneumoError

    if threshold is not None:
        return "--threshold", threshold
    name = model or scores.checkpoint
    if not name:
        raise PneumoError(f"'{scores.name}' does not name its model. Add --threshold or --model.")
    card = load_checkpoint(name).card
    if scores.version and scores.version != card.version:
        raise PneumoError(
            f"'{scores.name}' was made by version {scores.version} of '{name}', but here it has "
            f"version {card.version}, whose thresholds may differ. Add --threshold."
        )
    point = card.operating_point(operating_point)
    return point.name, point.threshold
