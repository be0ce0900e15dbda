"""Export of X-rays of a dataset as a folder of their own."""

import csv
import io
from io import BytesIO
from pathlib import Path, PurePosixPath
from zipfile import ZIP_STORED, ZipFile

import pandas as pd

from pneumo_core.datasets.dataset import LABELS
from pneumo_core.datasets.formats.manifest import MANIFEST
from pneumo_core.datasets.formats.names import CLASS_NAMES, SPLIT_NAMES
from pneumo_core.datasets.scan import find_image
from pneumo_core.errors import DatasetError

__all__ = ["folder_of"]

_KEPT = ("label", "split", "patient", "subtype", "id")


def folder_of(location: Path, films: pd.DataFrame) -> bytes:
    """Return a ZIP that unpacks to a dataset folder of these X-rays, their files unchanged.

    An X-ray keeps its id: as the path of its file if it has the layout split/CLASS/film or
    CLASS/film, otherwise in a manifest.csv. X-rays of an archive become PNG files.

    Args:
        location: of the dataset that the X-rays belong to.
        films: id, split and label of each X-ray, and patient and subtype if known.

    Raises:
        DatasetError: an X-ray isn't there.
    """
    file, rows = BytesIO(), []
    with ZipFile(file, "w", ZIP_STORED) as archive:
        for number, film in enumerate(films.to_dict("records")):
            film_id, found = str(film["id"]), find_image(location, str(film["id"]))
            if found is None:
                raise DatasetError(
                    f"'{film_id}' is not in '{location}' any more. Reload the dataset."
                )
            suffix = found.suffix if isinstance(found, Path) else ".png"
            name = film_id
            if not _is_in_layout(film_id):
                name = f"{film['split']}/{LABELS[film['label']]}/{number:06d}{suffix}"
            rows.append([name, *(film.get(column, "") for column in _KEPT)])
            content = found.read_bytes() if isinstance(found, Path) else found
            archive.writestr(name, content)
        if any(row[0] != row[-1] for row in rows):
            archive.writestr(MANIFEST, _manifest(rows))
    return file.getvalue()


def _is_in_layout(film_id: str) -> bool:
    """Return whether ``scan`` finds an X-ray at this path, wherever the folder is unpacked."""
    parts = PurePosixPath(film_id).parts
    folders = [part.lower() for part in parts[:-1]]
    if not folders or ".." in parts or "\\" in film_id:
        return False
    return folders[0] in CLASS_NAMES or (
        len(folders) > 1 and folders[0] in SPLIT_NAMES and folders[1] in CLASS_NAMES
    )


def _manifest(rows: list[list[object]]) -> str:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(["path", *_KEPT])
    table.writerows(rows)
    return text.getvalue()
