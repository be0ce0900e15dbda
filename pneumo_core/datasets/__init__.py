"""Datasets: from a folder, manifest or archive to a table of X-rays and their pixels."""

from pneumo_core.datasets.dataset import (
    LABELS,
    NORMAL,
    PNEUMONIA,
    SPLITS,
    Cut,
    Dataset,
    ImageSource,
    LeftAside,
)
from pneumo_core.datasets.export import folder_of
from pneumo_core.datasets.formats.folders import files_below
from pneumo_core.datasets.formats.manifest import MANIFEST, is_manifest_name, read_manifest
from pneumo_core.datasets.formats.registry import DatasetFormat, register_format
from pneumo_core.datasets.preparation import Preparation
from pneumo_core.datasets.scan import find_image, layout_root, scan
from pneumo_core.datasets.store import PixelStore, open_store
from pneumo_core.datasets.truth import labels_by_file
from pneumo_core.datasets.validation import (
    MIN_VALIDATION,
    VALIDATIONS,
    Validation,
    ValidationCut,
    placeholders,
    with_twins,
)

__all__ = [
    "LABELS",
    "MANIFEST",
    "MIN_VALIDATION",
    "NORMAL",
    "PNEUMONIA",
    "SPLITS",
    "VALIDATIONS",
    "Cut",
    "Dataset",
    "DatasetFormat",
    "ImageSource",
    "LeftAside",
    "PixelStore",
    "Preparation",
    "Validation",
    "ValidationCut",
    "files_below",
    "find_image",
    "folder_of",
    "is_manifest_name",
    "labels_by_file",
    "layout_root",
    "open_store",
    "placeholders",
    "read_manifest",
    "register_format",
    "scan",
    "with_twins",
]
