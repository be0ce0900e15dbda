"""Labels, splits and patients from names of folders and files."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from statistics import median

__all__ = [
    "CLASS_NAMES",
    "SPLIT_NAMES",
    "patient_of",
    "patients_of",
    "subtype_of",
]

SPLIT_NAMES = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
# Folder name -> (label, subtype from the folder)
CLASS_NAMES = {
    "normal": (0, "normal"),
    "pneumonia": (1, ""),
    "bacteria": (1, "bacteria"),
    "bacterial": (1, "bacteria"),
    "virus": (1, "virus"),
    "viral": (1, "virus"),
}

# Names that are unique in a dataset, and names whose numbering restarts in every folder.
_PATIENT_PATTERNS = (
    re.compile(r"(person\d+)_"),  # Kermany: person23_bacteria_78
    re.compile(r"(patient\d+)"),  # CheXpert: patient00001/study1/view1_frontal
    re.compile(r"(000\d{5})_\d{3}"),  # ChestX-ray14: 00000013_026; 20230101_000 is a date
)
_SERIES_PATTERN = re.compile(r"((?:NORMAL2-)?IM-\d+)-")  # Kermany, OsiriX, Horos: IM-0381-0001

MAX_OF_PATIENT = 40
"""Most X-rays of one patient; the public set has up to 31. Larger folders have several patients."""
# Folders that sort X-rays by anything but their patient.
_SORTING = re.compile(
    r"(images?|imgs?|films?|x-?rays?|cxrs?|png|jpe?g|tiff?|dicom|dcm|originals?|raw|frontal|lateral|"
    r"ap|pa|male|female|bacterial?|viral|virus|part|batch|chunk|fold|group|set|folder|dir|(19|20)\d\d)"
    r"[\W_]*\d*",
    re.IGNORECASE,
)


def patient_of(path: PurePath) -> str:
    """Return the patient from an X-ray's path, as the public chest datasets name files.

    An X-ray with another name is a patient of its own (its path without the extension).
    """
    series = _SERIES_PATTERN.search(path.name)
    return _named_patient(path) or (series[1] if series else path.with_suffix("").as_posix())


def patients_of(
    paths: Sequence[PurePath], labels: Sequence[int], starts: Sequence[int] | None = None
) -> list[str]:
    """Return the patient of each X-ray of a dataset, from file and folder names.

    If numbering restarts in each patient's folder (OsiriX and Horos write
    ``case017/IM-0001-0001``), or names have no patient, a folder is a patient, provided there are
    several folders with few X-rays each that are not named for something else (``images``,
    ``part2``, ``2019``). Folders whose numbering restarts under each label are different patients.

    Args:
        paths: of the X-rays, within the dataset.
        labels: of the X-rays.
        starts: how many leading folders of each path are its split and its class.
    """
    starts = starts or [0] * len(paths)
    folders = [
        path.parts[start : len(path.parts) - 1] for path, start in zip(paths, starts, strict=True)
    ]
    heads = [path.parts[:start] for path, start in zip(paths, starts, strict=True)]
    level = _patient_level(heads, folders)
    if level is None:
        return [patient_of(path) for path in paths]
    names = [
        "" if _named_patient(path) or len(inside) <= level else "/".join(inside[: level + 1])
        for path, inside in zip(paths, folders, strict=True)
    ]
    anew = _numbered_anew(names, labels)
    prefixes = ("NORMAL/", "PNEUMONIA/") if anew else ("", "")
    return [
        f"{prefixes[label]}{name}" if name else patient_of(path)
        for path, label, name in zip(paths, labels, names, strict=True)
    ]


def _named_patient(path: PurePath) -> str:
    """Return the patient in a name that only one patient has; else empty."""
    name, folder = path.name, path.parts[-3] if len(path.parts) > 2 else ""
    for pattern in _PATIENT_PATTERNS:
        if match := pattern.search(name) or pattern.fullmatch(folder):
            return match[1]
    return ""


def _patient_level(
    heads: Sequence[tuple[str, ...]], folders: Sequence[tuple[str, ...]]
) -> int | None:
    """Return the level below the classes at which each folder has one patient's X-rays, or None."""
    for level in range(max(map(len, folders), default=0)):
        films = Counter(
            head + inside[: level + 1]
            for head, inside in zip(heads, folders, strict=True)
            if len(inside) > level
        )
        sorting = sum(bool(_SORTING.fullmatch(folder[-1])) for folder in films)
        if len(films) > 1 and 2 * sorting < len(films) and median(films.values()) <= MAX_OF_PATIENT:
            return level
    return None


def _numbered_anew(names: Sequence[str], labels: Sequence[int]) -> bool:
    """Return whether the labels share so many folder names that each label numbers its patients."""
    normal, ill = (
        {name for name, its in zip(names, labels, strict=True) if name and its == label}
        for label in (0, 1)
    )
    return 2 * len(normal & ill) >= max(1, min(len(normal), len(ill)))


def subtype_of(path: PurePath, label: int) -> str:
    """Return "bacteria", "virus" or "normal" from the label and the file name, else ""."""
    if label == 0:
        return "normal"
    match = re.search(r"bacteria|virus", path.name.lower())
    return match[0] if match else ""
