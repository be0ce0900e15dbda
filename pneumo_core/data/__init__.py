"""Films and datasets: from bytes to a radiograph, from a folder to a table and its pixels."""

from pneumo_core.data._folders import files_below
from pneumo_core.data._sources import FilmInput
from pneumo_core.data.dataset import (
    LABELS,
    NORMAL,
    PNEUMONIA,
    SPLITS,
    Cut,
    Dataset,
    FilmSource,
    LeftAside,
)
from pneumo_core.data.export import folder_of
from pneumo_core.data.manifest import MANIFEST, is_manifest_name, read_manifest
from pneumo_core.data.progress import Progress
from pneumo_core.data.radiograph import (
    MANUFACTURER,
    FilmFacts,
    LossyStep,
    Radiograph,
    Window,
    to_input,
)
from pneumo_core.data.read import film_size, read_radiograph, read_values
from pneumo_core.data.scan import find_film, layout_root, scan
from pneumo_core.data.store import PixelStore, Preparation, open_store
from pneumo_core.data.validation import (
    MIN_VALIDATION,
    VALIDATIONS,
    Validation,
    ValidationCut,
    placeholders,
    with_twins,
)
from pneumo_core.data.values import FilmValues, window_over

__all__ = [
    "LABELS",
    "MANIFEST",
    "MANUFACTURER",
    "MIN_VALIDATION",
    "NORMAL",
    "PNEUMONIA",
    "SPLITS",
    "VALIDATIONS",
    "Cut",
    "Dataset",
    "FilmFacts",
    "FilmInput",
    "FilmSource",
    "FilmValues",
    "LeftAside",
    "LossyStep",
    "PixelStore",
    "Preparation",
    "Progress",
    "Radiograph",
    "Validation",
    "ValidationCut",
    "Window",
    "files_below",
    "film_size",
    "find_film",
    "folder_of",
    "is_manifest_name",
    "layout_root",
    "open_store",
    "placeholders",
    "read_manifest",
    "read_radiograph",
    "read_values",
    "scan",
    "to_input",
    "window_over",
    "with_twins",
]
