"""``pneumo log``: who did what. ``pneumo agreement``: how well readers and models agree."""

import sys
from datetime import datetime
from typing import Annotated, cast

import typer
from rich.table import Table

from pneumo_core.cli._shared import JsonOption, app
from pneumo_core.cli._terminal import err, print_table
from pneumo_core.core.spreadsheets import without_formulas
from pneumo_core.errors import UnknownName

_SHOWN = ("number", "moment", "who", "deed", "film", "checkpoint", "result", "subject")
_DAY = ["%Y-%m-%d"]

_SinceOption = Annotated[datetime | None, typer.Option(formats=_DAY, help="Day, UTC.")]
_UntilOption = Annotated[datetime | None, typer.Option(formats=_DAY, help="The day after.")]
_CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV, every column.")]


@app.command("log")
def search_log(
    who: Annotated[str | None, typer.Option(help="Part of a name.")] = None,
    what: Annotated[str | None, typer.Option(help="read, exported, deleted, ...")] = None,
    checkpoint: Annotated[str | None, typer.Option(help="Name of a model.")] = None,
    film: Annotated[str | None, typer.Option(help="Beginning of an X-ray's SHA-256.")] = None,
    since: _SinceOption = None,
    until: _UntilOption = None,
    most: Annotated[int, typer.Option(min=1, help="Number of newest entries.")] = 50,
    csv: _CsvOption = False,
    json: JsonOption = False,
) -> None:
    """Search the log: who read, trained, deleted, added or exported what."""
    from pneumo_core.audit import DEEDS, Deed, open_log

    if what is not None and what not in DEEDS:
        raise UnknownName("deed", what, DEEDS)
    found = open_log().search(
        who=who,
        deed=cast(Deed | None, what),
        checkpoint=checkpoint,
        film=film,
        since=since,
        until=until,
        most=most,
    )
    if csv:
        without_formulas(found).to_csv(sys.stdout, index=False)
    elif json:
        if not found.empty:
            found.to_json(sys.stdout, orient="records", lines=True, date_format="iso")
    elif found.empty:
        err.print("No entries match.")
    else:
        table = Table(*_SHOWN, box=None)
        shown = found[list(_SHOWN)].assign(film=found["film"].str[:12])
        for row in shown.astype(object).where(shown.notna(), "").itertuples(index=False):
            table.add_row(*map(str, row))
        print_table(table)


@app.command("agreement")
def tell_agreement(
    who: Annotated[str | None, typer.Option(help="Part of a reader's name.")] = None,
    since: _SinceOption = None,
    until: _UntilOption = None,
    csv: _CsvOption = False,
    json: JsonOption = False,
) -> None:
    """Report agreement, kappa and reading time of blinded reads."""
    from pneumo_core.audit import open_log
    from pneumo_core.audit.reader_study import opinions_table, second_opinions
    from pneumo_core.metrics import format_rate

    found = second_opinions(open_log().called_films(), who=who, since=since, until=until)
    if csv:
        without_formulas(opinions_table(found)).to_csv(sys.stdout, index=False)
    elif json:
        if found:
            opinions_table(found).to_json(sys.stdout, orient="records", lines=True)
    elif not found:
        err.print("No blinded reads yet. Turn on 'Read first' on the page Read X-rays.")
    else:
        table = Table(
            "reader", "model", "point", "X-rays", "agreement", "kappa", "seconds", box=None
        )
        for each in found:
            table.add_row(
                each.who,
                f"{each.checkpoint} {each.version}",
                each.operating_point,
                str(each.counts.n),
                format_rate(each.agreement.value),
                str(each.kappa),
                f"{each.seconds:.1f}",
            )
        print_table(table)
