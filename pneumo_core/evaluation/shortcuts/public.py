"""Audit a dataset for shortcuts in one call."""

import os
from collections.abc import Sequence
from pathlib import Path

from pneumo_core.datasets import Dataset
from pneumo_core.datasets.load import load_dataset
from pneumo_core.evaluation.shortcuts.audit import audit
from pneumo_core.evaluation.shortcuts.further import read_properties, with_properties
from pneumo_core.evaluation.shortcuts.input_detail import audit_input_detail
from pneumo_core.evaluation.shortcuts.lungs import installed_finder
from pneumo_core.evaluation.shortcuts.measure import measure_dataset
from pneumo_core.evaluation.shortcuts.result import Audit

__all__ = ["audit_dataset"]

_SMALLEST, _LARGEST = 32, 1024


def audit_dataset(
    data: Dataset | str | os.PathLike[str] | None = None,
    *,
    input_sizes: Sequence[int] = (),
    properties: str | os.PathLike[str] | None = None,
) -> Audit:
    """Measure how well properties other than disease predict the labels of a dataset.

    X-rays are measured once; the result is cached under PNEUMO_HOME. The numbers are those of
    ``pneumo data audit``.

    Args:
        data: a Dataset, a folder, manifest or archive, or a dataset's name; None for PNEUMO_DATA.
        input_sizes: sides in pixels, 32 to 1024, of a network's input; the finest detail of the
            box around the lungs, brought to each size, is audited too.
        properties: a CSV file of further properties, a row for each X-ray. Its column id, path,
            file or name has the X-ray's path in the dataset, or its file's name; every column of
            numbers is audited. Columns width and height give width / height and the number of
            pixels, in place of those of the files.

    Returns:
        ``summary()``, the main results in sentences; ``separations``, each property's AUC for the
        label of each split with its 95 % interval, the largest first; ``together``, the AUC of all
        properties at once; ``shifts``, the differences between train and the other splits;
        ``constant`` and ``unmeasured`` properties; ``table()``, a row for each figure with what its
        property means and what to do.

    Raises:
        UnknownName: no dataset has this name.
        DatasetError: the dataset or the file of properties can't be used, no X-ray can be read, or
            the measurements can't be saved.
        ValueError: an input size is out of range.
    """
    for size in input_sizes:
        if not _SMALLEST <= size <= _LARGEST:
            raise ValueError(
                f"An input size of {size} pixels can't be audited. "
                f"Give {_SMALLEST} to {_LARGEST} pixels."
            )
    dataset = load_dataset(data)
    further = None if properties is None else read_properties(Path(properties), dataset.films["id"])
    measured = measure_dataset(dataset, finder=installed_finder())
    if further is not None:
        measured = with_properties(measured, further)
    found = audit(dataset, measured)
    if not input_sizes:
        return found
    return found.joined_by(audit_input_detail(dataset, input_sizes))
