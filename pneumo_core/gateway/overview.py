"""Summaries of a queue for the page, the command line and the metrics: no names, no UIDs."""

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pneumo_core.gateway.queue import Queue

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["overview", "received_since", "turned_away"]

_FAILED = 20
_COLUMNS = (
    *("number", "received", "state", "reason", "probability", "modality", "device", "sender"),
    *("model", "seconds", "again", "changed"),
)


def overview(queue: Queue) -> dict[str, Any]:
    """Return counts: ``states`` by state, ``waiting`` by destination, ``failed`` the newest films.

    ``oldest``: age in seconds of the X-ray that has waited longest to be read; 0 if none waits.
    """
    states = {row[0]: row[1] for row in queue.rows("SELECT state, count(*) FROM films GROUP BY 1")}
    waits = "SELECT destination, count(*) FROM deliveries WHERE state = 'waiting' GROUP BY 1"
    failed = "SELECT number, reason FROM films WHERE state = 'failed' ORDER BY changed DESC LIMIT ?"
    first = queue.one("SELECT min(received) FROM films WHERE state = 'received'")
    return {
        "states": states,
        "waiting": {row[0]: row[1] for row in queue.rows(waits)},
        "failed": [dict(row) for row in queue.rows(failed, _FAILED)],
        "oldest": time.time() - first if first is not None else 0.0,
        "again": int(queue.one("SELECT coalesce(sum(again), 0) FROM films")),
        "paused": queue.paused,
    }


def received_since(queue: Queue, since: datetime, *, most: int = 1000) -> "pd.DataFrame":
    """Return the films that arrived since a moment, the newest first: a row each.

    ``received`` and ``changed`` are local times, ``undelivered`` how many results still wait.
    """
    query = (
        f"SELECT {', '.join(_COLUMNS)}, (SELECT count(*) FROM deliveries d "  # noqa: S608
        "WHERE d.film = films.number AND d.state = 'waiting') AS undelivered "
        "FROM films WHERE received >= ? ORDER BY number DESC LIMIT ?"
    )
    import pandas as pd

    rows = queue.rows(query, since.timestamp(), most)
    table = pd.DataFrame([tuple(row) for row in rows], columns=[*_COLUMNS, "undelivered"])
    for column in ("received", "changed"):
        moments = [datetime.fromtimestamp(each) for each in table[column]]
        table[column] = pd.Series(moments, dtype="datetime64[us]", index=table.index)
    return table


def turned_away(queue: Queue, since: datetime) -> "pd.DataFrame":
    """Return what was not received since a moment: sender, reason and how often."""
    query = (
        "SELECT sender, reason, count(*) FROM turned_away WHERE moment >= ? GROUP BY 1, 2 "
        "ORDER BY 3 DESC"
    )
    import pandas as pd

    rows = [tuple(row) for row in queue.rows(query, since.timestamp())]
    return pd.DataFrame(rows, columns=["sender", "reason", "times"])
