"""Knowing a dataset: what is in it, what is wrong with it, what that means and what to do."""

from pneumo_core.inspection.copies import Copies, look_alikes
from pneumo_core.inspection.findings import KINDS, SEVERITIES, Finding, find_in_table
from pneumo_core.inspection.inspect import Inspection, inspect_dataset
from pneumo_core.inspection.overview import (
    Balance,
    Sizes,
    balance_of,
    film_sizes,
    grey_values,
    split_table,
)

__all__ = [
    "KINDS",
    "SEVERITIES",
    "Balance",
    "Copies",
    "Finding",
    "Inspection",
    "Sizes",
    "balance_of",
    "film_sizes",
    "find_in_table",
    "grey_values",
    "inspect_dataset",
    "look_alikes",
    "split_table",
]
