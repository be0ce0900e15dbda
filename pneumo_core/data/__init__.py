"""Films and datasets: from bytes to a radiograph, from a folder to a table and its pixels."""

from pneumo_core.data.dataset import LABELS, NORMAL, PNEUMONIA, SPLITS, Dataset, FilmSource
from pneumo_core.data.progress import Progress
from pneumo_core.data.radiograph import FilmFacts, Radiograph, Window
from pneumo_core.data.read import read_radiograph, to_input
from pneumo_core.data.scan import scan
from pneumo_core.data.store import PixelStore, open_store
from pneumo_core.data.validation import MIN_VALIDATION, ValidationCut

__all__ = [
    "LABELS",
    "MIN_VALIDATION",
    "NORMAL",
    "PNEUMONIA",
    "SPLITS",
    "Dataset",
    "FilmFacts",
    "FilmSource",
    "PixelStore",
    "Progress",
    "Radiograph",
    "ValidationCut",
    "Window",
    "open_store",
    "read_radiograph",
    "scan",
    "to_input",
]
