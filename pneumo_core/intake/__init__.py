"""Datasets from elsewhere: downloaded, unpacked, checked, and kept under ``PNEUMO_HOME``."""

from pneumo_core.intake.download import Patience, download
from pneumo_core.intake.kept import (
    About,
    KeptDataset,
    check_dataset_name,
    datasets_home,
    delete_dataset,
    find_dataset,
    list_datasets,
)
from pneumo_core.intake.medmnist import unpack_npz
from pneumo_core.intake.sources import SOURCES, Source, find_source
from pneumo_core.intake.stage import Staged, fetch, stage
from pneumo_core.intake.unpack import Limits, unpack

__all__ = [
    "SOURCES",
    "About",
    "KeptDataset",
    "Limits",
    "Patience",
    "Source",
    "Staged",
    "check_dataset_name",
    "datasets_home",
    "delete_dataset",
    "download",
    "fetch",
    "find_dataset",
    "find_source",
    "list_datasets",
    "stage",
    "unpack",
    "unpack_npz",
]
