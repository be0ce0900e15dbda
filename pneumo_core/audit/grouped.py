"""Log entries with one row per X-ray."""

import pandas as pd

__all__ = ["entries_of", "group_by_image"]


def group_by_image(entries: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each X-ray and one for each entry without an X-ray, the newest first.

    Args:
        entries: from ``AuditLog.search``.

    Returns:
        The columns ``moment`` (of the newest entry), ``who``, ``deed`` ("read 4, called"), ``film``
        ("" for none), ``result`` ("3 NORMAL, 1 PNEUMONIA"), ``subject``, ``entries`` (count), and
        ``first`` (number of the oldest). Texts are never None.
    """
    if entries.empty:
        return pd.DataFrame(columns=_COLUMNS)
    film = entries["film"].fillna("")
    alone = "entry " + entries["number"].astype(str)
    groups = entries.groupby(film.where(film != "", alone), sort=False)
    rows = [_row(group) for _, group in groups]
    found = pd.DataFrame(rows, columns=_COLUMNS)
    return found.sort_values("moment", ascending=False, kind="stable").reset_index(drop=True)


def entries_of(entries: pd.DataFrame, film: str, first: int) -> pd.DataFrame:
    """Return the entries behind a row of ``group_by_image``, in the order they were made."""
    inside = entries["film"] == film if film else entries["number"] == first
    return entries[inside].sort_values("number")


_COLUMNS = ["moment", "who", "deed", "film", "result", "subject", "entries", "first"]


def _row(group: pd.DataFrame) -> dict[str, object]:
    return {
        "moment": group["moment"].max(),
        "who": ", ".join(dict.fromkeys(group["who"].astype(str))),
        "deed": _counted(group["deed"], ones=False),
        "film": group["film"].fillna("").iloc[0],
        "result": _counted(group["result"], ones=len(group) > 1),
        "subject": ", ".join(dict.fromkeys(group["subject"].dropna().astype(str))),
        "entries": len(group),
        "first": int(group["number"].min()),
    }


def _counted(words: "pd.Series[str]", *, ones: bool) -> str:
    """Return the words with how often each occurs; 1 is written only with ``ones``."""
    counts = words.dropna().astype(str).value_counts()
    pairs = [(str(word), int(n)) for word, n in counts.items()]
    if ones:
        return ", ".join(f"{n} {word}" for word, n in pairs)
    return ", ".join(f"{word} {n}" if n > 1 else word for word, n in pairs)
