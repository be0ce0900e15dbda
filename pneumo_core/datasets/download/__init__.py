"""Download, check and keep datasets."""

from pneumo_core.datasets.download.catalogue import SOURCES, Source, find_source
from pneumo_core.datasets.download.http import Patience, download
from pneumo_core.datasets.download.installed import (
    About,
    KeptDataset,
    check_dataset_name,
    datasets_home,
    delete_dataset,
    find_dataset,
    list_datasets,
)
from pneumo_core.datasets.download.medmnist_files import unpack_npz
from pneumo_core.datasets.download.staging import Staged, fetch, stage
from pneumo_core.datasets.download.unpack import Limits, unpack

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
