"""CSV that a spreadsheet opens without running anything."""

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["without_formula", "without_formulas"]

T = TypeVar("T")

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def without_formula(cell: T) -> T | str:
    """Return a cell; a text that a spreadsheet would take for a formula gets an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def without_formulas(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table with ``without_formula`` of each text: X-rays and people name themselves."""
    texts = table.select_dtypes(exclude=["number", "bool", "datetime", "datetimetz"]).columns
    return table.assign(**{name: table[name].map(without_formula) for name in texts})
