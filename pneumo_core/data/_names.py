"""What names of folders and films tell."""

import re
from pathlib import Path

__all__ = ["CLASS_NAMES", "SPLIT_NAMES", "patient_of", "subtype_of"]

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
# Folder name -> (label, subtype told by the folder)
CLASS_NAMES = {
    "normal": (0, "normal"),
    "pneumonia": (1, ""),
    "bacteria": (1, "bacteria"),
    "bacterial": (1, "bacteria"),
    "virus": (1, "virus"),
    "viral": (1, "virus"),
}

_PATIENT_PATTERNS = (
    re.compile(r"(person\d+)_"),  # Kermany: person23_bacteria_78
    re.compile(r"((?:NORMAL2-)?IM-\d+)-"),  # Kermany: NORMAL2-IM-0381-0001
    re.compile(r"(patient\d+)"),  # CheXpert: patient00001/study1/view1_frontal
    re.compile(r"(\d{8})_\d{3}"),  # ChestX-ray14: 00000013_026
)


def patient_of(path: Path) -> str:
    """The patient told by a film's path within its dataset, in the naming of the public chest sets.

    A film of unknown naming is its own patient (its path without the ending), since two such films
    can't be told to share one.
    """
    for pattern in _PATIENT_PATTERNS:
        if match := pattern.search(path.name) or pattern.fullmatch(path.parent.parent.name):
            return match[1]
    return path.with_suffix("").as_posix()


def subtype_of(path: Path, label: int) -> str:
    """bacteria, virus or normal as far as the label and the film's name tell, else empty."""
    if label == 0:
        return "normal"
    match = re.search(r"bacteria|virus", path.name.lower())
    return match[0] if match else ""
