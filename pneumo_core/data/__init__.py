"""Films and datasets: from bytes to a radiograph, from a folder to a table and its pixels."""

from pneumo_core.data.dataset import LABELS, NORMAL, PNEUMONIA, SPLITS, Dataset, FilmSource
from pneumo_core.data.export import folder_of
from pneumo_core.data.progress import Progress
from pneumo_core.data.radiograph import FilmFacts, Radiograph, Window
from pneumo_core.data.read import read_radiograph, read_values, to_input
from pneumo_core.data.scan import find_film, scan
from pneumo_core.data.store import PixelStore, open_store
from pneumo_core.data.validation import MIN_VALIDATION, ValidationCut
from pneumo_core.data.values import FilmValues, window_over

__all__ = [
    "LABELS",
    "MIN_VALIDATION",
    "NORMAL",
    "PNEUMONIA",
    "SPLITS",
    "Dataset",
    "FilmFacts",
    "FilmSource",
    "FilmValues",
    "PixelStore",
    "Progress",
    "Radiograph",
    "ValidationCut",
    "Window",
    "find_film",
    "folder_of",
    "open_store",
    "read_radiograph",
    "read_values",
    "scan",
    "to_input",
    "window_over",
]
