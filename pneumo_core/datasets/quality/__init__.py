"""Quality checks of a dataset."""

from pneumo_core.datasets.quality.findings import KINDS, SEVERITIES, Finding, find_in_table
from pneumo_core.datasets.quality.inspect import Inspection, inspect_dataset
from pneumo_core.datasets.quality.near_copies import Copies, look_alikes
from pneumo_core.datasets.quality.overview import (
    Balance,
    Sizes,
    balance_of,
    grey_values,
    image_sizes,
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
    "find_in_table",
    "grey_values",
    "image_sizes",
    "inspect_dataset",
    "look_alikes",
    "split_table",
]
