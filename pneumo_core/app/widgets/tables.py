"""Tables with probabilities and rates in the common format."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from pneumo_core.metrics import format_rate

__all__ = ["with_bounds"]

_MOST_STYLED = 5000
"""Above this number of rows cells become text: styling takes a second per 10,000 rows."""


def with_bounds(
    table: pd.DataFrame, columns: Sequence[str], *, pictures: Sequence[str] = ()
) -> pd.DataFrame | Styler:
    """Return the table with some columns in [0, 1] formatted by ``format_rate``.

    They stay numbers, so that sorting works; the columns must have no format of their own. Empty
    cells stay empty. ``pictures``: columns of data URIs, which are not sent twice.
    """
    known = [column for column in columns if column in table]
    if len(table) > _MOST_STYLED:
        return table.assign(**{column: table[column].map(_cell) for column in known})
    written: dict[Any, str | Callable[[object], str] | None] = dict.fromkeys(known, _cell)
    return table.style.format(written | dict.fromkeys(pictures, _nothing))


def _cell(value: Any) -> str:
    return "" if pd.isna(value) else format_rate(value)


def _nothing(_: object) -> str:
    return ""
