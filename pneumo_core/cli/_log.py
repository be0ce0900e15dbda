"""``pneumo log``: who did what here."""

import sys
from datetime import datetime
from typing import Annotated, cast

import typer
from rich.table import Table

from pneumo_core.cli._shared import JsonOption, app
from pneumo_core.errors import UnknownName
from pneumo_core.terminal import err, out

_SHOWN = ("number", "moment", "who", "deed", "film", "checkpoint", "result", "subject")
_DAY = ["%Y-%m-%d"]


@app.command("log")
def search_log(
    who: Annotated[str | None, typer.Option(help="Part of a name.")] = None,
    what: Annotated[str | None, typer.Option(help="read, exported, deleted, ...")] = None,
    checkpoint: Annotated[str | None, typer.Option(help="Who answered.")] = None,
    film: Annotated[str | None, typer.Option(help="Beginning of a film's SHA-256.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=_DAY, help="Day, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_DAY, help="The day after.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Entries at most, the newest.")] = 50,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV, every column.")] = False,
    json: JsonOption = False,
) -> None:
    """Search the log: who read which film with whose answer, who trained, deleted, added."""
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
        found.to_csv(sys.stdout, index=False)
    elif json:
        if not found.empty:
            found.to_json(sys.stdout, orient="records", lines=True, date_format="iso")
    elif found.empty:
        err.print("No entry is like that.")
    else:
        table = Table(*_SHOWN, box=None)
        shown = found[list(_SHOWN)].assign(film=found["film"].str[:12])
        for row in shown.astype(object).where(shown.notna(), "").itertuples(index=False):
            table.add_row(*map(str, row))
        out.print(table)
