"""CSV files that are safe to open in a spreadsheet."""

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["spreadsheet_csv", "without_formula", "without_formulas"]

T = TypeVar("T")

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def without_formula(cell: T) -> T | str:
    """Return a cell; a text that a spreadsheet would take for a formula gets an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def without_formulas(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table with ``without_formula`` of each text: X-rays and people name themselves."""
    texts = table.select_dtypes(exclude=["number", "bool", "datetime", "datetimetz"]).columns
    return table.assign(**{name: table[name].map(without_formula) for name in texts})


def spreadsheet_csv(table: "pd.DataFrame") -> bytes:
    """Return the table as a CSV file without an index, ``without_formulas``.

    UTF-8 with a byte order mark, without which Excel assumes the system's code page.
    """
    return without_formulas(table).to_csv(index=False).encode("utf-8-sig")
